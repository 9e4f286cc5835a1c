package hashing_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/modelsigning/modelsigning/hashing"
)

// A directory that goes on for ever is given up when it has shown more than is allowed.
func TestEndlessDirectory(t *testing.T) {
	var ignored []string
	for i := range 1000 {
		ignored = append(ignored, fmt.Sprintf("f%09d", i))
	}
	for _, c := range []hashing.Configuration{
		hashing.Config(),
		hashing.Config().SetIgnoredPaths(ignored...),
		hashing.Config().SetOnly("g"),
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		_, err := c.SetMaxResources(10).ReportFS(ctx, endless{}, "model")
		cancel()
		if !errors.Is(err, hashing.ErrTooMany) {
			t.Errorf("got %v, want ErrTooMany", err)
		}
	}
}

// Endless is a file system of one directory, in which there is one file after the other.
type endless struct{}

func (endless) Open(name string) (fs.File, error) {
	if name != "." {
		return nil, fs.ErrNotExist
	}
	root, err := fstest.MapFS{}.Open(".")
	return &endlessDir{File: root}, err
}

type endlessDir struct {
	fs.File
	shown int
}

func (d *endlessDir) ReadDir(n int) ([]fs.DirEntry, error) {
	all := fstest.MapFS{}
	for range n {
		d.shown++
		all[fmt.Sprintf("f%09d", d.shown)] = &fstest.MapFile{}
	}
	return all.ReadDir(".")
}

// A path may be longer than what the system takes at once, but not of any length: there may be many.
func TestLongPaths(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	must(t, err)
	defer root.Close()
	dir := root
	long := strings.Repeat("d", 200)
	for depth, files := 1, 0; depth <= 50; depth++ {
		must(t, dir.Mkdir(long, 0o777))
		sub, err := dir.OpenRoot(long)
		must(t, err)
		defer sub.Close()
		dir = sub
		must(t, dir.WriteFile("f", nil, 0o666))
		files++
		m, err := hashing.Hash(root.Name())
		switch fits := depth*(len(long)+1)+len("f") <= 8<<10; {
		case fits && err != nil:
			t.Fatalf("a path of %d directories: %v", depth, err)
		case fits && len(m.Resources) != files:
			t.Fatalf("got %d resources of %d files", len(m.Resources), files)
		case !fits && (!errors.Is(err, hashing.ErrName) || len(err.Error()) > 20_000):
			t.Fatalf("%d directories: got %v, want ErrName", depth, err)
		}
	}
	if _, err := hashing.Config().SetOnly(path.Join(long, "f")).Report(t.Context(), root.Name()); err != nil {
		t.Error(err)
	}
}

// Long paths count for more than one of the resources that are allowed, since they take memory.
func TestLongPathsCount(t *testing.T) {
	fsys := fstest.MapFS{}
	long := strings.Repeat(strings.Repeat("d", 250)+"/", 20)
	recorder, err := hashing.Config().SetMaxResources(300).Record(t.Context(), "model")
	must(t, err)
	defer recorder.Close()
	var refused error
	for i := range 100 {
		p := fmt.Sprint(long, i)
		fsys[p] = &fstest.MapFile{}
		if w, err := recorder.Create(p); err != nil {
			refused = err
		} else {
			must(t, w.Close())
		}
	}
	_, err = hashing.Config().SetMaxResources(300).HashFS(t.Context(), fsys, "model")
	for what, err := range map[string]error{"a tree": err, "a recorder": refused} {
		if !errors.Is(err, hashing.ErrTooMany) {
			t.Errorf("%s: got %v, want ErrTooMany", what, err)
		}
	}
	if _, err := hashing.Config().SetMaxResources(700).HashFS(t.Context(), fsys, "model"); err != nil {
		t.Error(err)
	}
}
