package hashing_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

func TestReport(t *testing.T) {
	root := write(t, map[string]string{
		".git/HEAD": "x", ".gitignore": "x", "a": "1", "b/c": "2", "skip/d": "x", "skip2": "x", "none": "", "e/none": ""})
	c := hashing.Config().AddIgnoredPaths("skip", "skip2", "absent")
	r, err := c.Report(context.Background(), root)
	must(t, err)
	equal(t, "resources", lines(r.Manifest), wants("a", "1", "b/c", "2", "e/none", "", "none", ""))
	equal(t, "ignored", r.Ignored, []string{".git/", ".gitignore", "skip/", "skip2"})
	equal(t, "unlisted", r.Unlisted, nil)
	equal(t, "empty", r.Empty, nil)

	r, err = c.UseShardSerialization(hashing.Shards{}).Report(context.Background(), root)
	must(t, err)
	equal(t, "resources", lines(r.Manifest), wants("a:0:1", "1", "b/c:0:1", "2"))
	equal(t, "empty", r.Empty, []string{"e/none", "none"})
	equal(t, "recorded", r.Manifest.Serialization.IgnorePaths,
		[]string{".git", ".gitattributes", ".github", ".gitignore", "absent", "skip", "skip2"})
}

func TestReportOfNothing(t *testing.T) {
	r, err := hashing.Config().Report(context.Background(), write(t, nil))
	must(t, err)
	if r.Manifest == nil || len(r.Manifest.Resources) != 0 {
		t.Errorf("got %+v", r.Manifest)
	}
}

func TestSetOnly(t *testing.T) {
	root := write(t, map[string]string{
		".git/HEAD": "x", "a.b": "x", "a/": "", "d/e/f": "2", "d/e/g": "x", "d/h": "x", "i/j": "x",
		"link": "-> a.b", "i/link": "-> nowhere", "d/loop": "-> .."})
	c := hashing.Config().SetOnly("d/e/f", "absent", "a.b", "h/i")
	for _, c := range []hashing.Configuration{c, c.SetAllowSymlinks(true)} {
		r, err := c.Report(context.Background(), root)
		must(t, err)
		equal(t, "resources", lines(r.Manifest), wants("a.b", "x", "d/e/f", "2"))
		equal(t, "unlisted", r.Unlisted, []string{"d/e/g", "d/h", "d/loop", "i/j", "i/link", "link"})
		equal(t, "ignored", r.Ignored, []string{".git/"})
	}
	for _, only := range []string{"link", "link/x", "d/loop/a.b"} {
		if _, err := c.SetOnly(only).Report(context.Background(), root); !errors.Is(err, hashing.ErrSymlink) {
			t.Errorf("%s: got %v", only, err)
		}
	}
	r, err := c.SetOnly("link").SetAllowSymlinks(true).Report(context.Background(), root)
	must(t, err)
	equal(t, "a link that is listed", lines(r.Manifest), wants("link", "x"))
	for _, none := range [][]string{nil, {}} {
		if _, err := c.Hash(root); err == nil {
			t.Error("a manifest of some files is taken for the model's")
		}
		if _, err := c.HashFS(context.Background(), os.DirFS(root), "m"); err == nil {
			t.Error("a manifest of some files is taken for the model's")
		}
		m, err := c.SetOnly(none...).AddIgnoredPaths("link", "i", "d").Hash(root)
		must(t, err)
		equal(t, "no restriction", lines(m), wants("a.b", "x"))
	}
	r, err = c.SetOnly("x").Report(context.Background(), filepath.Join(root, "a.b"))
	must(t, err)
	equal(t, "single file", r.Unlisted, []string{"a.b"})
}

func TestSetOnlyCopies(t *testing.T) {
	root := write(t, map[string]string{"a": "1", "b": "2"})
	paths := []string{"b", "a"}
	c := hashing.Config().SetOnly(paths...)
	paths[0], paths[1] = "x", "y"
	r, err := c.Report(context.Background(), root)
	must(t, err)
	equal(t, "resources", lines(r.Manifest), wants("a", "1", "b", "2"))
}

func BenchmarkSetOnly(b *testing.B) {
	paths := make([]string, 1_000_000)
	for i := range paths {
		paths[i] = fmt.Sprintf("dir%04d/file%06d", i/1000, i)
	}
	for b.Loop() {
		hashing.Config().SetOnly(paths...)
	}
}

func TestMaxResources(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), make([]byte, 100), 0o666); err != nil {
		t.Fatal(err)
	}
	c := hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 1})
	if _, err := c.SetMaxResources(100).Hash(dir); err != nil {
		t.Error(err)
	}
	if _, err := c.SetMaxResources(99).Hash(dir); !errors.Is(err, hashing.ErrTooMany) {
		t.Errorf("got %v, want ErrTooMany", err)
	}
	if _, err := c.SetMaxResources(-1).Hash(dir); !errors.Is(err, hashing.ErrTooMany) {
		t.Errorf("none: got %v, want ErrTooMany", err)
	}
	if _, err := c.SetMaxResources(-1).HashFiles(background, "m", listOf(manifest.SHA256, map[string]string{"a": "1"})); err == nil {
		t.Error("none: a list has one")
	}
}

// What can't be signed is known before anything is hashed, and is what hashing says then.
func TestSignable(t *testing.T) {
	c := hashing.Config()
	if err := c.Signable(); err != nil {
		t.Error(err)
	}
	root := write(t, map[string]string{"a": "1"})
	for name, c := range map[string]hashing.Configuration{
		"only":      c.SetOnly("a"),
		"slice":     c.Slice(0, 2),
		"algorithm": c.UseFileSerialization(hashing.Files{Algorithm: "md5"}),
		"shards":    c.UseShardSerialization(hashing.Shards{ShardSize: -1}),
		"ignored":   c.SetIgnoredPaths("../a"),
	} {
		err := c.Signable()
		_, hashErr := c.Hash(root)
		if err == nil || hashErr == nil || !strings.HasSuffix(hashErr.Error(), err.Error()) {
			t.Errorf("%s: says %v, and hashing %v", name, err, hashErr)
		}
	}
}
