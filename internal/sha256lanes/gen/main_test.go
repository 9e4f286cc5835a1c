package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestUpToDate(t *testing.T) {
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the generator writes: run go generate", name)
		}
	}
}

// The ends of the table of FIPS 180-4, section 4.2.2.
func TestRoundConstants(t *testing.T) {
	k := cubeRoots()
	if len(k) != 64 || k[0] != 0x428a2f98 || k[63] != 0xc67178f2 {
		t.Errorf("got %#x", k)
	}
}
