package hashing_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

func TestHashFS(t *testing.T) {
	files := map[string]string{
		".git/HEAD": "x", "a": "1", "a-b": "2", "a.b": "3", "d/.git/x": "4", "d/e/f": strings.Repeat("5", 300_000), "none": ""}
	root := write(t, files)
	mapped := fstest.MapFS{}
	for name, content := range files {
		mapped[name] = &fstest.MapFile{Data: []byte(content)}
	}
	c := hashing.Config()
	for _, c := range []hashing.Configuration{c, c.SetIgnoreGitPaths(false), c.AddIgnoredPaths("d/e"), c.SetAllowSymlinks(true),
		c.UseShardSerialization(hashing.Shards{ShardSize: 100_000}),
		c.UseFileSerialization(hashing.Files{Algorithm: manifest.BLAKE3}), c.SetMapped(true),
		c.UseShardSerialization(hashing.Shards{ShardSize: 7, Algorithm: manifest.BLAKE2b})} {
		want, err := c.Hash(root)
		must(t, err)
		for _, fsys := range []fs.FS{mapped, os.DirFS(root), onlyOpen{os.DirFS(root)}} {
			got, err := c.HashFS(context.Background(), fsys, "model")
			must(t, err)
			if !slices.Equal(got.Resources, want.Resources) || got.Name != want.Name {
				t.Errorf("%T:\n got %s\nwant %s", fsys, lines(got), lines(want))
			}
		}
	}
}

// onlyOpen hides whatever a file system can do besides.
type onlyOpen struct{ fsys fs.FS }

func (o onlyOpen) Open(name string) (fs.File, error) { return o.fsys.Open(name) }

func TestHashFSRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		file  fstest.MapFile
		links bool
		want  error
	}{
		{"link", fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("a")}, false, hashing.ErrSymlink},
		{"dangling", fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("b")}, true, hashing.ErrSymlink},
		{"cycle", fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte(".")}, true, hashing.ErrSymlink},
		{"fifo", fstest.MapFile{Mode: fs.ModeNamedPipe}, false, hashing.ErrNotRegular},
		{"device", fstest.MapFile{Mode: fs.ModeDevice}, true, hashing.ErrNotRegular},
	} {
		fsys := fstest.MapFS{"a": &fstest.MapFile{Data: []byte("1")}, "x": &c.file}
		_, err := hashing.Config().SetAllowSymlinks(c.links).HashFS(context.Background(), fsys, "model")
		var pe *fs.PathError
		if !errors.Is(err, c.want) || !errors.As(err, &pe) || !strings.HasPrefix(pe.Path, filepath.Join("model", "x")) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
	_, err := hashing.Config().HashFS(context.Background(), fstest.MapFS{".git/x": {}}, "model")
	if !errors.Is(err, hashing.ErrEmptyModel) {
		t.Errorf("empty: got %v", err)
	}
}

func TestHashFSFollowsLinks(t *testing.T) {
	fsys := fstest.MapFS{
		"d/f": {Data: []byte("1")}, "l": {Mode: fs.ModeSymlink, Data: []byte("d")}, "m": {Mode: fs.ModeSymlink, Data: []byte("d/f")}}
	m, err := hashing.Config().SetAllowSymlinks(true).HashFS(context.Background(), fsys, "model")
	must(t, err)
	equal(t, "resources", lines(m), wants("d/f", "1", "l/f", "1", "m", "1"))
}

// A liar says that its file has another size than it has, or fails in the middle of it.
type liar struct {
	fs.FS
	size int64
	fail error
}

type liarFile struct {
	fs.File
	liar
	read *int
}

type liarInfo struct {
	fs.FileInfo
	size int64
}

type liarEntry struct {
	fs.DirEntry
	liar
}

func (l liar) Open(name string) (fs.File, error) {
	f, err := l.FS.Open(name)
	if name == "." || err != nil {
		return f, err
	}
	return liarFile{f, l, new(int)}, nil
}

func (l liar) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(l.FS, name)
	for i, e := range entries {
		entries[i] = liarEntry{e, l}
	}
	return entries, err
}

func (e liarEntry) Info() (fs.FileInfo, error) {
	info, err := e.DirEntry.Info()
	return liarInfo{info, e.size}, err
}

func (f liarFile) Stat() (fs.FileInfo, error) {
	info, err := f.File.Stat()
	return liarInfo{info, f.size}, err
}

func (f liarFile) Read(b []byte) (int, error) {
	if f.fail != nil && *f.read > 0 {
		return 0, f.fail
	}
	n, err := f.File.Read(b[:min(len(b), 1+len(b)/2)])
	*f.read += n
	return n, err
}

func (i liarInfo) Size() int64 { return i.size }

func TestHashFSSizes(t *testing.T) {
	broken := fmt.Errorf("broken: %w", io.ErrClosedPipe)
	for _, real := range []int64{0, 10, 400_000} {
		for _, c := range []struct {
			says int64
			fail error
			want error
		}{
			{real, nil, nil}, {real + 1, nil, hashing.ErrChanged}, {real - 1, nil, hashing.ErrChanged}, {real * 10, nil, hashing.ErrChanged},
			{0, nil, hashing.ErrChanged}, {real, broken, io.ErrClosedPipe}} {
			if c.says < 0 || real == 0 && (c.says == 0 || c.fail != nil) {
				continue
			}
			fsys := liar{onlyReadDir{fstest.MapFS{"f": {Data: make([]byte, real)}}}, c.says, c.fail}
			for _, config := range []hashing.Configuration{hashing.Config(), hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 3})} {
				_, err := config.HashFS(context.Background(), fsys, "model")
				if !errors.Is(err, c.want) {
					t.Errorf("%d bytes that are said to be %d: got %v, want %v", real, c.says, err, c.want)
				}
			}
		}
	}
}

// onlyReadDir has directories that can't be read through their file, as an [fs.ReadDirFS] may.
type onlyReadDir struct{ fsys fs.FS }

type plainFile struct{ fs.File }

func (o onlyReadDir) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(o.fsys, name) }

func (o onlyReadDir) Open(name string) (fs.File, error) {
	f, err := o.fsys.Open(name)
	return plainFile{f}, err
}

// A renamer gives the entries of its root other names.
type renamer struct {
	fstest.MapFS
	names []string
}

type renamed struct {
	fs.DirEntry
	name string
}

func (r renamed) Name() string { return r.name }

func (r renamer) Open(name string) (fs.File, error) { return onlyReadDir{r.MapFS}.Open(name) }

func (r renamer) ReadDir(string) ([]fs.DirEntry, error) {
	entries, err := r.MapFS.ReadDir(".")
	var out []fs.DirEntry
	for _, name := range r.names {
		out = append(out, renamed{entries[0], name})
	}
	return out, err
}

func TestHashFSNames(t *testing.T) {
	files := fstest.MapFS{"f": {Data: []byte("1")}}
	for _, names := range [][]string{{".."}, {"."}, {""}, {"../f"}, {"d/f"}, {"/f"}, {"f\x00"}, {"f", "f"}} {
		m, err := hashing.Config().HashFS(context.Background(), renamer{files, names}, "model")
		if err == nil {
			t.Errorf("%q: got %s", names, lines(m))
		}
	}
}

// double shows each entry twice.
type double struct{ onlyReadDir }

func (d double) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := d.onlyReadDir.ReadDir(name)
	return slices.Concat(entries, entries), err
}

// A file that a directory shows twice, as it may while others are renamed, is no two files.
func TestHashFSTwice(t *testing.T) {
	for _, content := range []string{"x", ""} {
		fsys := double{onlyReadDir{fstest.MapFS{"a": {Data: []byte(content)}}}}
		for _, c := range []hashing.Configuration{hashing.Config(), hashing.Config().UseShardSerialization(hashing.Shards{})} {
			_, err := c.ReportFS(t.Context(), fsys, "model")
			var pe *fs.PathError
			if !errors.Is(err, hashing.ErrChanged) || !errors.As(err, &pe) || pe.Path != filepath.Join("model", "a") {
				t.Errorf("got %v, want that a changed", err)
			}
		}
	}
}

// What is missing altogether is an error like any other: a panic in a worker could not be recovered from.
func TestNil(t *testing.T) {
	c, ctx := hashing.Config(), t.Context()
	for what, do := range map[string]func() error{
		"HashFS":     func() error { _, err := c.HashFS(ctx, nil, "m"); return err },
		"ReportFS":   func() error { _, err := c.ReportFS(ctx, nil, "m"); return err },
		"OpenTreeFS": func() error { _, err := c.OpenTreeFS(ctx, nil, "m"); return err },
		"Recheck":    func() error { _, err := c.Recheck(ctx, t.TempDir(), nil, 1); return err },
	} {
		if err := do(); err == nil || !strings.Contains(err.Error(), "is nil") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
