package hashing_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// followed follows links as a signature has it, which does not let them lead out of the model.
func followed() hashing.Configuration {
	return hashing.ConfigFor(manifest.Serialization{
		Method: manifest.Files, Algorithm: manifest.SHA256, AllowSymlinks: true, IgnorePaths: []string{".git"},
	})
}

// A link of which it can't be told where it leads is taken for one that leads out.
func TestLinkNobodyKnows(t *testing.T) {
	root := write(t, map[string]string{"plain": "1"})
	outside := filepath.Join(t.TempDir(), "outside")
	must(t, os.WriteFile(outside, []byte("2"), 0o666))
	// The system follows a chain of relative links step by step. As a path, what it ends at is too long.
	long := strings.TrimSuffix(strings.Repeat(strings.Repeat("d", 250)+"/", 10), "/")
	chain := func(link string) {
		must(t, os.MkdirAll(filepath.Join(root, ".git", long), 0o777))
		t.Chdir(filepath.Join(root, ".git", long))
		must(t, os.Symlink(long+"/out", "hop"))
		must(t, os.MkdirAll(long, 0o777))
		t.Chdir(long)
		must(t, os.Symlink(outside, "out"))
		t.Chdir(root)
		must(t, os.Symlink(".git/"+long+"/hop", link))
	}
	deleted := func(link string) {
		f, err := os.Open(outside)
		must(t, err)
		t.Cleanup(func() { f.Close() })
		must(t, os.Remove(outside))
		must(t, os.Symlink(fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), f.Fd()), link))
	}
	for name, lead := range map[string]func(link string){
		"out": func(link string) { must(t, os.Symlink(outside, link)) }, "along a long path": chain, "to what is deleted": deleted,
	} {
		must(t, os.WriteFile(outside, []byte("2"), 0o666))
		link := filepath.Join(root, "link")
		lead(link)
		if _, err := followed().Hash(root); !errors.Is(err, hashing.ErrSymlink) {
			t.Errorf("link %s: got %v", name, err)
		}
		must(t, os.Remove(link))
	}
	for name, target := range map[string]string{"in the model": "plain", "to there by its own path": filepath.Join(root, "plain")} {
		link := filepath.Join(root, "link")
		must(t, os.Symlink(target, link))
		m, err := followed().Hash(root)
		if err != nil || len(m.Resources) != 2 {
			t.Errorf("link %s: got %v, %v", name, m, err)
		}
		must(t, os.Remove(link))
	}
}

// In a file system it is for that to refuse links that lead out, as that of an os.Root does.
func TestLinkOutOfRoot(t *testing.T) {
	dir := write(t, map[string]string{"plain": "1"})
	outside := filepath.Join(t.TempDir(), "outside")
	must(t, os.WriteFile(outside, []byte("2"), 0o666))
	must(t, os.Symlink(outside, filepath.Join(dir, "link")))
	root, err := os.OpenRoot(dir)
	must(t, err)
	defer root.Close()
	if _, err := followed().HashFS(t.Context(), root.FS(), "model"); !errors.Is(err, hashing.ErrSymlink) {
		t.Errorf("got %v", err)
	}
}

// Many links at the end of a long way take no longer than the way. This took minutes, and did not stop when asked to.
func TestDeepLinks(t *testing.T) {
	root := write(t, map[string]string{"plain": "1"})
	deep := ".git/" + strings.Repeat("d/", 900) + "hub"
	must(t, os.MkdirAll(filepath.Join(root, deep), 0o777))
	must(t, os.WriteFile(filepath.Join(root, deep, "w"), nil, 0o666))
	const here, each = 25, 200
	for i := range each {
		must(t, os.Symlink("w", filepath.Join(root, deep, fmt.Sprint("s", i))))
	}
	for i := range here {
		must(t, os.Symlink(deep, filepath.Join(root, fmt.Sprint("l", i))))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	start := time.Now()
	m, err := followed().HashContext(ctx, root)
	if err != nil || len(m.Resources) != 1+here*(each+1) {
		t.Fatal(err)
	}
	t.Log(time.Since(start))
}
