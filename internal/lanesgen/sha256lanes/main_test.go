package main

import "testing"

func TestUpToDate(t *testing.T) {
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	if err := files.Compare("../../" + pkg); err != nil {
		t.Error(err)
	}
}

// The ends of the table of FIPS 180-4, section 4.2.2.
func TestRoundConstants(t *testing.T) {
	k := cubeRoots()
	if len(k) != 64 || k[0] != 0x428a2f98 || k[63] != 0xc67178f2 {
		t.Errorf("got %#x", k)
	}
}
