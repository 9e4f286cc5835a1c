package hashing_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

func TestBranchesDoNotShare(t *testing.T) {
	root := write(t, map[string]string{"a": "1", "b": "2", "c": "3"})
	paths := []string{"x", "y", "z"}
	base := hashing.Config().SetIgnoredPaths(paths[:1]...).AddIgnoredPaths("v").AddIgnoredPaths("w")
	a, b := base.AddIgnoredPaths("a"), base.AddIgnoredPaths("b")
	paths[0] = "c"
	for i, c := range []struct {
		config hashing.Configuration
		want   []string
	}{
		{base, wants("a", "1", "b", "2", "c", "3")},
		{a, wants("b", "2", "c", "3")},
		{b, wants("a", "1", "c", "3")},
	} {
		m, err := c.config.Hash(root)
		must(t, err)
		equal(t, "branch "+string(rune('0'+i)), lines(m), c.want)
		m.Serialization.IgnorePaths[0] = "spoilt"
	}
}

// What a caller does with a slice afterwards changes no configuration.
func TestPathsAreCopied(t *testing.T) {
	root := write(t, map[string]string{"a": "1", "b": "2"})
	paths := []string{"a"}
	set, add := hashing.Config().SetIgnoredPaths(paths...), hashing.Config().AddIgnoredPaths(paths...)
	only := hashing.Config().SetOnly(paths...)
	paths[0] = "b"
	for name, c := range map[string]hashing.Configuration{"set": set, "added": add} {
		m, err := c.Hash(root)
		must(t, err)
		equal(t, name, lines(m), wants("b", "2"))
	}
	r, err := only.Report(t.Context(), root)
	must(t, err)
	equal(t, "only", lines(r.Manifest), wants("a", "1"))
}

func TestUseKeepsOtherSettings(t *testing.T) {
	root := write(t, map[string]string{"a": "1", "b": "2", "l": "-> a"})
	m, err := hashing.Config().AddIgnoredPaths("a").SetAllowSymlinks(true).
		UseShardSerialization(hashing.Shards{IgnorePaths: []string{"b"}}).Hash(root)
	must(t, err)
	equal(t, "resources", lines(m), wants("l:0:1", "1"))
	m, err = hashing.Config().UseFileSerialization(hashing.Files{AllowSymlinks: true}).Hash(root)
	must(t, err)
	equal(t, "resources", lines(m), wants("a", "1", "b", "2", "l", "1"))
}

func TestFor(t *testing.T) {
	root := write(t, map[string]string{".git/x": "1", ".gitignore": "2", "a": "3", "b": "4", "l": "-> a"})
	s := manifest.Serialization{Method: manifest.Shards, Algorithm: manifest.SHA256, ShardSize: 5, AllowSymlinks: true}
	for _, c := range []struct {
		name    string
		config  hashing.Configuration
		ignored []string
		want    []string
	}{
		{"not recorded", hashing.Config(), nil, wants("a:0:1", "3", "b:0:1", "4", "l:0:1", "3")},
		{"not recorded, switched off", hashing.Config().SetIgnoreGitPaths(false), nil,
			wants(".git/x:0:1", "1", ".gitignore:0:1", "2", "a:0:1", "3", "b:0:1", "4", "l:0:1", "3")},
		{"recorded none", hashing.Config(), []string{},
			wants(".git/x:0:1", "1", ".gitignore:0:1", "2", "a:0:1", "3", "b:0:1", "4", "l:0:1", "3")},
		{"recorded none, switched on", hashing.Config().SetIgnoreGitPaths(true), []string{},
			wants("a:0:1", "3", "b:0:1", "4", "l:0:1", "3")},
		{"recorded, and own", hashing.Config().AddIgnoredPaths("b"), []string{".git", "l"},
			wants(".gitignore:0:1", "2", "a:0:1", "3")},
		{"the same as configured", hashing.Config().SetAllowSymlinks(true).UseShardSerialization(hashing.Shards{Algorithm: manifest.SHA256, ShardSize: 5}),
			[]string{".git", ".gitignore", "b"}, wants("a:0:1", "3", "l:0:1", "3")},
	} {
		s.IgnorePaths = c.ignored
		config, err := c.config.For(s)
		must(t, err)
		m, err := config.Hash(root)
		must(t, err)
		equal(t, c.name, lines(m), c.want)
	}
	s.IgnorePaths = []string{".gitignore", "b", "l"}
	m, err := hashing.ConfigFor(s).Hash(root)
	must(t, err)
	equal(t, "ConfigFor", lines(m), wants(".git/x:0:1", "1", "a:0:1", "3"))
	equal(t, "recorded", m.Serialization.IgnorePaths, s.IgnorePaths)
}

// Without a record of ignored paths, git's own files are ignored but for those that were signed.
func TestForManifest(t *testing.T) {
	root := write(t, map[string]string{".git/x": "1", ".gitignore": "2", ".github/y": "3", "a": "4"})
	s := manifest.Serialization{Method: manifest.Files, Algorithm: manifest.SHA256}
	for _, c := range []struct {
		name    string
		config  hashing.Configuration
		ignored []string
		want    []string
	}{
		{"not recorded", hashing.Config(), nil, wants(".github/y", "3", "a", "4")},
		{"not recorded, and own", hashing.Config().AddIgnoredPaths("a"), nil, wants(".github/y", "3")},
		{"switched off", hashing.Config().SetIgnoreGitPaths(false), nil, wants(".git/x", "1", ".github/y", "3", ".gitignore", "2", "a", "4")},
		{"switched on", hashing.Config().SetIgnoreGitPaths(true), nil, wants("a", "4")},
		{"recorded none", hashing.Config(), []string{}, wants(".git/x", "1", ".github/y", "3", ".gitignore", "2", "a", "4")},
		{"recorded", hashing.Config(), []string{".git", ".github"}, wants(".gitignore", "2", "a", "4")},
	} {
		s.IgnorePaths = c.ignored
		config, err := c.config.ForManifest(&manifest.Manifest{Serialization: s, Resources: []manifest.Resource{
			{Path: ".github/z"}, {Path: ".gitignore.txt"}, {Path: "sub/.gitignore"},
		}})
		must(t, err)
		m, err := config.Hash(root)
		must(t, err)
		equal(t, c.name, lines(m), c.want)
	}
}

func TestForConflicts(t *testing.T) {
	files := manifest.Serialization{Method: manifest.Files, Algorithm: manifest.SHA256}
	shards := manifest.Serialization{Method: manifest.Shards, Algorithm: manifest.BLAKE3, ShardSize: 5, AllowSymlinks: true}
	c := hashing.Config()
	for _, x := range []struct {
		field  string
		config hashing.Configuration
		signed manifest.Serialization
		want   any
	}{
		{"method", c.UseFileSerialization(hashing.Files{}), shards, manifest.Files},
		{"method", c.UseShardSerialization(hashing.Shards{}), files, manifest.Shards},
		{"hash_type", c.UseFileSerialization(hashing.Files{Algorithm: manifest.BLAKE2b}), files, manifest.BLAKE2b},
		{"shard_size", c.UseShardSerialization(hashing.Shards{ShardSize: 6}), shards, int64(6)},
		{"allow_symlinks", c.UseFileSerialization(hashing.Files{AllowSymlinks: true}), files, true},
		{"allow_symlinks", c.SetAllowSymlinks(true), files, true},
		{"allow_symlinks", c.SetAllowSymlinks(false), shards, false},
		{"", c.SetAllowSymlinks(false), files, nil},
		{"", c.UseShardSerialization(hashing.Shards{}), shards, nil},
		{"", c.UseFileSerialization(hashing.Files{}), files, nil},
		{"", c, shards, nil},
	} {
		_, err := x.config.For(x.signed)
		var conflict *hashing.ConflictError
		if x.field == "" {
			must(t, err)
		} else if !errors.As(err, &conflict) || conflict.Field != x.field || conflict.Configured != x.want {
			t.Errorf("got %v, want a conflict about %s", err, x.field)
		}
	}
}

func TestFiftyGoroutines(t *testing.T) {
	root := write(t, map[string]string{"a": "1", "b/c": "2", "d": string(make([]byte, 500_000))})
	c := hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 200_000}).AddIgnoredPaths("b")
	want, err := c.Hash(root)
	must(t, err)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			m, err := c.AddIgnoredPaths("y").Hash(root)
			if err != nil || m.Root() != want.Root() {
				t.Errorf("got %v, %v", m, err)
			}
		})
	}
	wg.Wait()
}
