package hashing

import (
	"context"
	"io/fs"
	"slices"

	"github.com/modelsigning/modelsigning/manifest"
)

// fill gives the resources of the files their digests, and sorts the lists of pointers of Git LFS.
func (w *walker) fill(ctx context.Context, resources []manifest.Resource) (*engine, error) {
	cache := w.recall(resources)
	unchanged := cache.take()
	e, err := w.run(ctx, resources)
	if err != nil {
		return nil, err
	}
	for _, g := range unchanged {
		if err := w.tree.recheck(ctx, g); err != nil {
			return nil, err
		}
	}
	if err := cache.keep(); err != nil {
		return nil, &fs.PathError{Op: "hash", Path: w.tree.shown, Err: err}
	}
	slices.Sort(e.pointers)
	slices.Sort(e.followed)
	w.warnOfFollowed(e.followed)
	return e, nil
}
