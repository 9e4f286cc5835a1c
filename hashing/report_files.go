package hashing

import (
	"context"
	"errors"
	"fmt"

	"github.com/modelsigning/modelsigning/manifest"
)

// ReportFiles returns what [Configuration.Report] would of a directory with these files, whose digests the caller has:
// ignored paths are left out, and so are those that [Configuration.SetOnly] does not list. Nothing is read, so what is
// reported is as true as the digests.
//
// The sizes that the files have count for [Configuration.SetMaxBytes].
//
// They must be of whole files, and of the algorithm that c has. What is wrong with a file is an error that wraps
// [ErrDigests], and the one of [Recorder.Create] or [manifest.File.Check], which names the file.
func (c Configuration) ReportFiles(ctx context.Context, name string, files []manifest.File) (*Report, error) {
	s, err := c.settings()
	if err == nil && s.serialization.Method != manifest.Files {
		err = errors.New("shards cannot be made of the digests of whole files")
	}
	if err != nil {
		return nil, fmt.Errorf("hashing %s: %w", name, err)
	}
	l, left := ledger{settings: s}, s.bytes
	for i, f := range files {
		if i%1000 == 0 && ctx.Err() != nil {
			return nil, fmt.Errorf("hashing %s: %w", name, ctx.Err())
		}
		e, err := l.add(f.Path)
		if err == nil && !e.dropped() {
			if err = s.checkFile(f); err == nil && f.Size > left {
				return nil, failed(f.Path, s.tooLarge())
			}
			left -= f.Size
			e.resources = []manifest.Resource{{Path: f.Path, Digest: f.Digest}}
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDigests, err)
		}
		e.open = false
	}
	return l.report(name), nil
}

func (s *settings) checkFile(f manifest.File) error {
	err := f.Check()
	if err == nil && f.Digest.Algorithm != s.serialization.Algorithm {
		err = fmt.Errorf("the digest is %s, and must be %s", f.Digest.Algorithm, s.serialization.Algorithm)
	}
	if err != nil {
		return failed(f.Path, err)
	}
	return nil
}

// HashFiles is ReportFiles for those who sign: it returns the manifest alone. It has the errors of
// [Configuration.HashContext] for a model without any file, and where SetOnly is set.
func (c Configuration) HashFiles(ctx context.Context, name string, files []manifest.File) (*manifest.Manifest, error) {
	if c.only != nil {
		return nil, fmt.Errorf("hashing %s: %w", name, errOnly)
	}
	r, err := c.ReportFiles(ctx, name, files)
	if err != nil {
		return nil, err
	}
	return r.signable(name)
}
