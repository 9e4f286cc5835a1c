//go:build !nosigstore

package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// Provenance of other builders, which the public instance of Sigstore has recorded.
func TestVectorScripts(t *testing.T) {
	vectors := os.Getenv("MODEL_SIGNING_VECTORS")
	if vectors == "" {
		t.Skip("MODEL_SIGNING_VECTORS names no folder of test vectors")
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/vectors",
		Setup: func(e *testscript.Env) error {
			e.Setenv("PROVENANCE", vectors+"/provenance")
			e.Setenv("TRUST", vectors+"/public-good/trusted_root.json")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"exit": exit},
	})
}
