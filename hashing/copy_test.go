package hashing_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// copies keeps what is written to it, and how many of its writers are open.
type copies struct {
	mu    sync.Mutex
	files map[string]string
	open  int
}

func (c *copies) create(path string) (io.WriteCloser, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open++
	return &oneCopy{to: c, path: path}, nil
}

type oneCopy struct {
	bytes.Buffer
	to   *copies
	path string
}

func (o *oneCopy) Close() error {
	o.to.mu.Lock()
	defer o.to.mu.Unlock()
	if _, ok := o.to.files[o.path]; ok {
		return errors.New(o.path + " is there twice")
	}
	o.to.open--
	o.to.files[o.path] = o.String()
	return nil
}

func TestSetCopy(t *testing.T) {
	files := map[string]string{
		".git/HEAD": "x", "a": "1", "a-b": "2", "d/e/f": strings.Repeat("56789", 3_000_000), "d/g": strings.Repeat("x", 1<<17), "none": ""}
	root := write(t, files)
	want := maps.Clone(files)
	delete(want, ".git/HEAD")
	c := hashing.Config()
	for name, c := range map[string]hashing.Configuration{
		"files": c, "shards": c.UseShardSerialization(hashing.Shards{ShardSize: 1_000_000}),
		"tiny shards": c.UseShardSerialization(hashing.Shards{ShardSize: 999}),
		"blake3":      c.UseFileSerialization(hashing.Files{Algorithm: manifest.BLAKE3}),
		"mapped":      c.SetMapped(true), "alone": c.SetMaxWorkers(1), "links": c.SetAllowSymlinks(true),
	} {
		all, err := c.Hash(root)
		must(t, err)
		for source, run := range map[string]func(hashing.Configuration) (*hashing.Report, error){
			"path": func(c hashing.Configuration) (*hashing.Report, error) { return c.Report(t.Context(), root) },
			"fs": func(c hashing.Configuration) (*hashing.Report, error) {
				return c.ReportFS(t.Context(), os.DirFS(root), "model")
			},
			"only open": func(c hashing.Configuration) (*hashing.Report, error) {
				return c.ReportFS(t.Context(), onlyOpen{os.DirFS(root)}, "model")
			},
		} {
			to := &copies{files: map[string]string{}}
			r, err := run(c.SetCopy(to.create))
			must(t, err)
			if r.Manifest.Root() != all.Root() {
				t.Errorf("%s, %s: copying changes the digests", name, source)
			}
			if !maps.Equal(to.files, want) || to.open != 0 {
				t.Errorf("%s, %s: copied %d files, %d still open", name, source, len(to.files), to.open)
			}
		}
	}
	to := &copies{files: map[string]string{}}
	_, err := c.SetCopy(to.create).Hash(filepath.Join(root, "a"))
	must(t, err)
	if !maps.Equal(to.files, map[string]string{"a": "1"}) {
		t.Errorf("a single file: copied %q", to.files)
	}
	_, err = c.SetCopy(func(string) (io.WriteCloser, error) { return nil, nil }).Hash(root)
	must(t, err)
}

// A full disk, wherever it is noticed, ends the run with its own error, and not with one about the model.
func TestSetCopyFails(t *testing.T) {
	root := write(t, map[string]string{"a": "1", "b/large": strings.Repeat("0", 5_000_000), "none": ""})
	full := &fs.PathError{Op: "write", Path: "elsewhere", Err: syscall.ENOSPC}
	for name, c := range map[string]struct {
		fails failing
		want  error
	}{
		"create":    {failing{create: full}, syscall.ENOSPC},
		"not there": {failing{create: fs.ErrNotExist}, fs.ErrNotExist},
		"write":     {failing{write: full}, syscall.ENOSPC},
		"close":     {failing{close: full}, syscall.ENOSPC},
	} {
		for _, workers := range []int{1, 4} {
			_, err := hashing.Config().SetMaxWorkers(workers).SetCopy(func(string) (io.WriteCloser, error) {
				if c.fails.create != nil {
					return nil, c.fails.create
				}
				return c.fails, nil
			}).Hash(root)
			if !errors.Is(err, c.want) || errors.Is(err, hashing.ErrChanged) {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
}

type failing struct{ create, write, close error }

func (f failing) Write(p []byte) (int, error) { return len(p), f.write }
func (f failing) Close() error                { return f.close }

func TestSetCopyCancelled(t *testing.T) {
	root := write(t, map[string]string{"a": "1", "large": strings.Repeat("0", 5_000_000)})
	ctx, cancel := context.WithCancel(t.Context())
	to := &copies{files: map[string]string{}}
	_, err := hashing.Config().SetCopy(func(p string) (io.WriteCloser, error) {
		cancel()
		return to.create(p)
	}).HashContext(ctx, root)
	if !errors.Is(err, context.Canceled) || to.open != 0 {
		t.Errorf("got %v, %d still open", err, to.open)
	}
}
