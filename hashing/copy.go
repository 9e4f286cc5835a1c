package hashing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/modelsigning/modelsigning/manifest"
)

// SetCopy has what is hashed written somewhere else in the same pass: the bytes that are written are those that were
// hashed, whatever happens to the files meanwhile. Create is called once for each file, with its path in the
// manifest, by several goroutines at once, and returns where the file goes, or nil to leave it where it is. Every
// writer gets the file from its beginning to its end, from one goroutine at a time, and is closed.
//
// If hashing returns no error, every file was written whole and every Close has succeeded; otherwise what was written
// is of no use. An error of create or of a writer ends hashing, which returns an error that wraps it.
//
// Each file is then read by one goroutine at a time, in order, and none is mapped. Nil, the default, copies nothing.
func (c Configuration) SetCopy(create func(path string) (io.WriteCloser, error)) Configuration {
	c.copy = create
	return c
}

// run hashes the files into their resources, and copies them if that is asked for.
func (w *walker) run(ctx context.Context, resources []manifest.Resource) (*engine, error) {
	e := newEngine(w, resources)
	if w.copy == nil {
		return e, e.run(ctx)
	}
	from := *w.tree
	c := copyFS{from.fsys, &copying{create: w.copy}}
	from.fsys, from.seeks = c, false
	e.tree, e.mapped = &from, false
	err := e.run(ctx)
	if c.err != nil && ctx.Err() == nil {
		return e, c.err
	}
	return e, err
}

// A copyFS is a file system whose files are copied while they are read.
type copyFS struct {
	fs.FS
	*copying
}

// A copying is what all copies of a run have in common.
type copying struct {
	create func(path string) (io.WriteCloser, error)

	mu  sync.Mutex
	err error // the first
}

// errNotCopied ends the run. Why is in copying.err: the engine would take it for the fault of the file that it reads.
var errNotCopied = errors.New("could not be copied")

func (c *copying) failed(path string, err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = fmt.Errorf("copying %.200q: %w", path, err)
	}
	return errNotCopied
}

func (c copyFS) Open(path string) (fs.File, error) {
	f, err := c.FS.Open(path)
	if err != nil {
		return nil, err
	}
	w, err := c.create(path)
	if err != nil {
		f.Close()
		return nil, c.failed(path, err)
	}
	if w == nil {
		return f, nil
	}
	return &copyFile{f, c.copying, path, w}, nil
}

type copyFile struct {
	fs.File
	*copying
	path string
	to   io.WriteCloser
}

func (f *copyFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	if n > 0 {
		if _, err := f.to.Write(p[:n]); err != nil {
			return 0, f.failed(f.path, err)
		}
	}
	return n, err
}

func (f *copyFile) Close() error {
	if err := f.to.Close(); err != nil {
		f.File.Close()
		return f.failed(f.path, err)
	}
	return f.File.Close()
}
