package hashing_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
)

func TestOpenTree(t *testing.T) {
	root := write(t, map[string]string{".git/HEAD": "x", "a": "1", "d/e": "12345", "none": "", "ignored/x": "y"})
	c := hashing.Config().SetIgnoredPaths("ignored").UseShardSerialization(hashing.Shards{ShardSize: 2})
	want, err := c.Report(t.Context(), root)
	must(t, err)
	for i := range want.Manifest.Resources {
		want.Manifest.Resources[i].Digest.Algorithm = ""
		want.Manifest.Resources[i].Digest.Hex = ""
	}
	for name, open := range map[string]func() (*hashing.Tree, error){
		"path": func() (*hashing.Tree, error) { return c.OpenTree(t.Context(), root) },
		"fs":   func() (*hashing.Tree, error) { return c.OpenTreeFS(t.Context(), os.DirFS(root), "model") },
	} {
		tree, err := open()
		must(t, err)
		got := tree.Report
		if !slices.Equal(got.Manifest.Resources, want.Manifest.Resources) || !slices.Equal(got.Ignored, want.Ignored) || !slices.Equal(got.Empty, want.Empty) {
			t.Errorf("%s: got %+v", name, got)
		}
		if sizes := maps.Collect(tree.Files()); !maps.Equal(sizes, map[string]int64{"a": 1, "d/e": 5, "none": 0}) {
			t.Errorf("%s: got %v", name, sizes)
		}
		f, err := tree.Open("d/e")
		must(t, err)
		must(t, tree.Close())
		if content, err := io.ReadAll(f); string(content) != "12345" || err != nil {
			t.Errorf("%s: read %q, %v", name, content, err)
		}
		must(t, f.Close())
	}
}

func TestOpenTreeRefuses(t *testing.T) {
	root := write(t, map[string]string{"a": "1", "b": "2", "c": "3", "d": "4"})
	tree, err := hashing.Config().OpenTree(t.Context(), root)
	must(t, err)
	defer tree.Close()
	outside := filepath.Join(t.TempDir(), "outside")
	must(t, os.WriteFile(outside, []byte("secret"), 0o600))
	for _, name := range []string{"a", "b", "c"} {
		must(t, os.Remove(filepath.Join(root, name)))
	}
	must(t, os.Mkdir(filepath.Join(root, "b"), 0o777))
	if err := os.Symlink(outside, filepath.Join(root, "c")); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	for name, want := range map[string]error{"a": hashing.ErrChanged, "b": hashing.ErrNotRegular, "c": nil} {
		f, err := tree.Open(name)
		var path *fs.PathError
		if err == nil || want != nil && !errors.Is(err, want) || !errors.As(err, &path) || path.Path != filepath.Join(root, name) {
			t.Errorf("%s: got %v, %v", name, f, err)
		}
	}
	if _, err := hashing.Config().OpenTree(t.Context(), root); !errors.Is(err, hashing.ErrSymlink) {
		t.Errorf("a link: got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := hashing.Config().OpenTree(ctx, root); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
	if _, err := hashing.Config().OpenTree(t.Context(), filepath.Join(root, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: got %v", err)
	}
}
