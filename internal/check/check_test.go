package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func located(t *testing.T) *checker {
	t.Helper()
	c := &checker{}
	if err := c.locate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLocate(t *testing.T) {
	c := located(t)
	if len(c.modules) == 0 || c.modules[0] != c.root {
		t.Fatalf("got modules %q, want %s first", c.modules, c.root)
	}
	if slices.Contains(c.modules, filepath.Join(c.root, tools)) {
		t.Errorf("%s has no packages to check", tools)
	}
	if want := filepath.Join(c.root, "internal", "lanesgen"); !slices.Contains(c.modules, want) {
		t.Errorf("got modules %q, want %s among them", c.modules, want)
	}
}

func TestTargets(t *testing.T) {
	c := located(t)
	found, err := c.targets(t.Context(), c.root)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"FuzzParse", "FuzzParseStatement", "FuzzParseName"} {
		if !slices.ContainsFunc(found, func(f target) bool { return f.name == want }) {
			t.Errorf("got %v, want %s among them", found, want)
		}
	}
}

func TestShow(t *testing.T) {
	c := &checker{}
	err := c.show(strings.NewReader(`{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: no reason\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- SKIP: TestA (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestA","Elapsed":0}
{"Action":"pass","Package":"p","Test":"TestB/one","Elapsed":0}
{"Action":"pass","Package":"p","Test":"TestB","Elapsed":0}
{"Action":"fail","Package":"p","Test":"TestC","Elapsed":0}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p","Elapsed":0.1}
{"Action":"skip","Package":"without tests","Elapsed":0}
go: a line of another kind
`))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.counts; got.passed != 2 || got.failed != 1 || got.skipped != 1 {
		t.Errorf("got %+v, want 2 passed, 1 failed, 1 skipped", got)
	}
}

func TestReason(t *testing.T) {
	got := reason([]string{"=== RUN   TestA\n", "    a_test.go:1: not here\n", "--- SKIP: TestA (0.00s)\n"})
	if want := "a_test.go:1: not here"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
