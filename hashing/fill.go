package hashing

import (
	"context"
	"slices"

	"github.com/modelsigning/modelsigning/manifest"
)

// fill gives the resources of the files their digests. It returns the files that hold a pointer of Git LFS, sorted.
func (s *settings) fill(ctx context.Context, t *tree, files []file, resources []manifest.Resource) ([]string, error) {
	e, err := s.run(ctx, t, files, resources)
	if err != nil {
		return nil, err
	}
	slices.Sort(e.pointers)
	s.warnOfPointers(e.pointers)
	return e.pointers, nil
}
