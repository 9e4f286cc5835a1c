//go:build !cgo

package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestWithoutCgo(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/nocgo",
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"exit": exit},
	})
}
