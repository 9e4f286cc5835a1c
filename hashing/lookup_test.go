package hashing_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// forge returns a plan of one slice that says that these files are there, as they are.
func forge(t *testing.T, root string, paths ...string) *manifest.Plan {
	t.Helper()
	p := &manifest.Plan{Name: "model", Slices: 1,
		Serialization: manifest.Serialization{Method: manifest.Files, Algorithm: manifest.SHA256, IgnorePaths: []string{".git"}}}
	slices.Sort(paths)
	for _, path := range paths {
		info, err := os.Stat(filepath.Join(root, filepath.FromSlash(path)))
		must(t, err)
		p.Files = append(p.Files, manifest.Entry{Path: path, Size: info.Size(), ModTime: info.ModTime().UnixNano()})
	}
	return p
}

// A plan of a stranger's reads nothing that listing would not have read.
func TestForgedPlan(t *testing.T) {
	outside := write(t, map[string]string{"secret": "s", "big": strings.Repeat("b", 1<<20)})
	root := write(t, map[string]string{
		"a": "1", "d/b": "2", ".git/HEAD": "x", "link": "-> a", "loop": "-> .", "d/link": "-> ../a", "in": "-> d",
		"out": "-> " + filepath.Join(outside, "secret"), "dir": "-> " + outside})
	c := hashing.Config()
	for _, ok := range [][]string{{"a"}, {"a", "d/b"}} {
		if _, err := c.SetPlan(forge(t, root, ok...)).Slice(0, 1).Part(background, root); err != nil {
			t.Errorf("%q: %v", ok, err)
		}
	}
	for _, path := range []string{"link", "d/link", "in/b", "loop/a", "loop/loop/d/b", "out", "dir/secret", "dir/big", "loop/dir/big"} {
		for _, c := range []hashing.Configuration{c, c.SetMapped(true).SetMaxWorkers(1)} {
			_, err := c.SetPlan(forge(t, root, "a", path)).Slice(0, 1).Part(background, root)
			if !errors.Is(err, hashing.ErrSymlink) {
				t.Errorf("%s: got %v, want ErrSymlink", path, err)
			}
		}
	}
	for _, path := range []string{".git/HEAD", "d", "../x", "/etc/passwd", "a/../a", "a/", "a\x00"} {
		plan := forge(t, root, "a")
		if path == ".git/HEAD" || path == "d" {
			plan = forge(t, root, path)
		} else {
			plan.Files[0].Path = path
		}
		if _, err := c.SetPlan(plan).Slice(0, 1).Part(background, root); err == nil {
			t.Errorf("%q: got no error", path)
		}
	}
}

// A slice that has only a part of a file looks it up as well.
func TestForgedPlanOfShards(t *testing.T) {
	root := write(t, map[string]string{"a": strings.Repeat("a", 8<<20), "d/b": "2", "link": "-> a"})
	for _, path := range []string{"a", "link"} {
		plan := forge(t, root, path)
		plan.Slices = 3
		plan.Serialization.Method, plan.Serialization.ShardSize = manifest.Shards, 1<<20
		for i := range 3 {
			_, err := hashing.Config().SetPlan(plan).Slice(i, 3).Part(background, root)
			if path == "a" && err != nil || path == "link" && !errors.Is(err, hashing.ErrSymlink) {
				t.Errorf("%s: got %v", path, err)
			}
		}
	}
}

// Where a plan allows links, they are followed inside of the model, and out of it only if the caller allows that.
func TestForgedPlanWithLinks(t *testing.T) {
	outside := write(t, map[string]string{"secret": "s"})
	root := write(t, map[string]string{"a": "1", "d/b": "2", "in": "-> d", "link": "-> a",
		"out": "-> " + filepath.Join(outside, "secret"), "dir": "-> " + outside})
	c := hashing.Config().Slice(0, 1)
	for path, inside := range map[string]bool{"in/b": true, "link": true, "out": false, "dir/secret": false} {
		plan := forge(t, root, path)
		plan.Serialization.AllowSymlinks = true
		if _, err := c.SetPlan(plan).Part(background, root); (err == nil) != inside || err != nil && !errors.Is(err, hashing.ErrSymlink) {
			t.Errorf("%s: got %v", path, err)
		}
		if _, err := c.SetAllowSymlinks(true).SetPlan(plan).Part(background, root); err != nil {
			t.Errorf("%s, allowed: %v", path, err)
		}
	}
}

// Slices of models with links are those of the whole.
func TestSlicesWithLinks(t *testing.T) {
	root := write(t, map[string]string{"a": "1", "d/b": "2", "in": "-> d", "link": "-> a"})
	c := hashing.Config().SetAllowSymlinks(true)
	want, err := c.Hash(root)
	must(t, err)
	for _, planned := range []bool{false, true} {
		got, err := sliced(t, c, root, 2, planned)
		must(t, err)
		equal(t, "resources", lines(got), lines(want))
	}
}

// A directory in the place of a file, and the other way round.
func TestPlanOfAnotherShape(t *testing.T) {
	root := write(t, map[string]string{"a": "1", "b": "1"})
	plan := forge(t, root, "a", "b")
	file := filepath.Join(root, "a")
	if _, err := hashing.Config().SetPlan(plan).Slice(0, 1).Part(background, file); !errors.Is(err, hashing.ErrChanged) {
		t.Errorf("a file: got %v", err)
	}
	plan = forge(t, root, "a")
	plan.Files[0].Path = "b/c"
	if _, err := hashing.Config().SetPlan(plan).Slice(0, 1).Part(background, root); !errors.Is(err, hashing.ErrChanged) {
		t.Errorf("below a file: got %v", err)
	}
	plan.Files[0].Path = strings.Repeat("d/", 2000) + "f"
	if _, err := hashing.Config().SetPlan(plan).Slice(0, 1).Part(background, root); err == nil {
		t.Error("too deep: got no error")
	}
}

func TestRecheck(t *testing.T) {
	root := mixed(t)
	for _, c := range []hashing.Configuration{hashing.Config(), hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 100_000})} {
		m, err := c.Hash(root)
		must(t, err)
		n := len(m.Resources)
		for share, want := range map[float64]int{1: n, 0.5: (n + 1) / 2, 1e-9: 1} {
			if got, err := hashing.Config().Recheck(background, root, m, share); err != nil || got != want {
				t.Errorf("share %v: got %d, %v, want %d", share, got, err, want)
			}
		}
		var diff *hashing.RecheckError
		m.Resources[n/2].Digest.Hex = strings.Repeat("0", 64)
		if _, err := hashing.Config().Recheck(background, root, m, 1); !errors.As(err, &diff) || len(diff.Changed) != 1 || diff.Changed[0].Name != m.Resources[n/2].Name() {
			t.Errorf("a wrong digest: got %v", err)
		}
		found := 0
		for range 60 {
			if _, err := hashing.Config().SetMaxWorkers(1).Recheck(background, root, m, 0.5); errors.As(err, &diff) {
				found++
			}
		}
		if found < 5 || found > 55 {
			t.Errorf("a wrong digest is found %d times of 60 by looking at half", found)
		}
		m.Resources = m.Resources[1:]
		if _, err := hashing.Config().Recheck(background, root, m, 0.001); !errors.As(err, &diff) {
			t.Errorf("a file left out: got %v", err)
		}
	}
}

// A plan makes nobody find room for more than is there, or than is allowed.
func TestForgedPlanOfManyResources(t *testing.T) {
	root := write(t, map[string]string{"a": strings.Repeat("a", 1000)})
	plan := forge(t, root, "a")
	plan.Serialization.Method, plan.Serialization.ShardSize = manifest.Shards, 1
	c := hashing.Config().SetPlan(plan).Slice(0, 1)
	if _, err := c.SetMaxResources(999).Part(background, root); !errors.Is(err, hashing.ErrTooMany) {
		t.Errorf("more than is allowed: got %v", err)
	}
	if _, err := c.SetMaxResources(1000).Part(background, root); err != nil {
		t.Error(err)
	}
	plan.Files[0].Size = 1<<31 - 1 // of which the digests alone would take more memory than most machines have
	if _, err := c.Part(background, root); !errors.Is(err, hashing.ErrChanged) {
		t.Errorf("more than is there: got %v", err)
	}
}
