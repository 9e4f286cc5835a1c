package main

import (
	"testing"

	"github.com/modelsigning/modelsigning/internal/lanesgen/kernels"
)

func TestUpToDate(t *testing.T) {
	if err := kernels.Compare(pkg, generate); err != nil {
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
