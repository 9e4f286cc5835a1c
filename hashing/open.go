package hashing

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
)

// A Tree is a model whose files are listed, and not read yet. It may be used by many goroutines, and must be closed.
type Tree struct {
	// Report is what [Configuration.Report] would return, but that the digests of its manifest are missing.
	Report *Report

	tree  *tree
	files []*file
}

// OpenTree lists the files of the model at path model, for who wants to read them. All that [Configuration.Report]
// refuses for the name, the kind or the size of a file is refused here as well.
func (c Configuration) OpenTree(ctx context.Context, model string) (*Tree, error) {
	s, t, name, err := c.openModel(model)
	if err != nil {
		return nil, err
	}
	list, err := s.open(ctx, t, name)
	if err != nil {
		t.Close()
	}
	return list, err
}

// OpenTreeFS is to OpenTree what [Configuration.ReportFS] is to Report.
func (c Configuration) OpenTreeFS(ctx context.Context, fsys fs.FS, name string) (*Tree, error) {
	s, t, err := c.openFS(fsys, name)
	if err != nil {
		return nil, err
	}
	return s.open(ctx, t, name)
}

func (s *settings) open(ctx context.Context, t *tree, name string) (*Tree, error) {
	w := &walker{settings: s, tree: t}
	resources, err := w.list(ctx)
	if err != nil {
		return nil, err
	}
	r, err := w.report(name, resources)
	return &Tree{r, t, w.files}, err
}

// Files yields the paths of the files and the sizes that they had when they were listed, in no order.
func (t *Tree) Files() iter.Seq2[string, int64] {
	return func(yield func(string, int64) bool) {
		for _, f := range t.files {
			if !yield(f.path, f.size) {
				return
			}
		}
	}
}

// Open opens the file at a path that Files has, whatever its content is by now. It is opened as hashing would: below
// the model unless links are followed, and without waiting for the other end of a FIFO; what is not a regular file
// any more is an error that wraps [ErrNotRegular].
func (t *Tree) Open(path string) (fs.File, error) {
	f, err := t.tree.fsys.Open(path)
	if err != nil {
		return nil, t.tree.fail(path, vanished(err))
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%w: it is %w now", ErrChanged, ErrNotRegular)
	}
	if err != nil {
		f.Close()
		return nil, t.tree.fail(path, err)
	}
	return f, nil
}

// Close closes the directory. Files that are open stay so.
func (t *Tree) Close() error { return t.tree.Close() }
