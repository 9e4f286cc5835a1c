package verifying

import (
	"context"
	"fmt"
	"strings"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// VerifyFiles verifies that a model which consists of these files, of whose digests the caller is sure, is what the
// bundle says was signed, and reads none of them. It returns what [Configuration.VerifyContext] would of a directory
// with these files, and the errors of [hashing.Configuration.ReportFiles]. A signature of shards, or by another
// algorithm than that of the digests, cannot be verified this way, and is a [*hashing.ConflictError].
func (c Configuration) VerifyFiles(ctx context.Context, name string, files []manifest.File, b *bundle.Bundle) (*Result, error) {
	ctx, s := c.trace(ctx)
	r, err := c.open(ctx, b)
	if err == nil {
		err = c.compareFiles(ctx, r, name, files)
	}
	s.End(err)
	if err != nil {
		return nil, fmt.Errorf("verifying %s: %w", name, err)
	}
	return r, nil
}

func (c Configuration) compareFiles(ctx context.Context, r *Result, name string, files []manifest.File) error {
	signed := r.Manifest.Serialization
	if signed.Method != manifest.Files {
		return &hashing.ConflictError{Field: "method", Signed: signed.Method, Configured: manifest.Files}
	}
	if len(files) > 0 && files[0].Digest.Algorithm != signed.Algorithm {
		return &hashing.ConflictError{Field: "hash_type", Signed: signed.Algorithm, Configured: files[0].Digest.Algorithm}
	}
	single := r.Manifest.SingleFile() && len(files) == 1 && !strings.Contains(files[0].Path, "/")
	h, err := c.hashingFor(r.Manifest, !single)
	if err != nil {
		return err
	}
	report, err := h.ReportFiles(ctx, name, files)
	if err != nil {
		return err
	}
	report.File = single
	return c.compareReport(r, report, name)
}
