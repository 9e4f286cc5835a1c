package hashing

import (
	"context"
	"slices"

	"github.com/modelsigning/modelsigning/manifest"
)

// fill gives the resources of the files their digests. It returns the files that hold a pointer of Git LFS, sorted.
func (w *walker) fill(ctx context.Context, resources []manifest.Resource) ([]string, error) {
	e, err := w.run(ctx, resources)
	if err != nil {
		return nil, err
	}
	slices.Sort(e.pointers)
	w.warnOfPointers(e.pointers)
	return e.pointers, nil
}
