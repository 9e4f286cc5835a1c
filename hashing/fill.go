package hashing

import (
	"context"
	"slices"

	"github.com/modelsigning/modelsigning/manifest"
)

// fill gives the resources of the files their digests, and sorts the lists of pointers of Git LFS.
func (w *walker) fill(ctx context.Context, resources []manifest.Resource) (*engine, error) {
	e, err := w.run(ctx, resources)
	if err != nil {
		return nil, err
	}
	slices.Sort(e.pointers)
	slices.Sort(e.followed)
	w.warnOfPointers(e.pointers)
	w.warnOfFollowed(e.followed)
	return e, nil
}
