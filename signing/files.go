package signing

import (
	"context"
	"fmt"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/manifest"
)

// SignFiles signs a model which consists of these files, of whose digests the caller is sure, and reads none of them.
// The signature is that of a directory with these files: what the configuration ignores is left out. It has the errors
// of [hashing.Configuration.HashFiles].
func (c Configuration) SignFiles(ctx context.Context, name string, files []manifest.File) (*bundle.Bundle, error) {
	ctx, s := c.trace(ctx)
	b, err := c.signFiles(ctx, name, files)
	s.End(err)
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", name, err)
	}
	return b, nil
}

func (c Configuration) signFiles(ctx context.Context, name string, files []manifest.File) (*bundle.Bundle, error) {
	signer, done, err := c.prepare(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	m, err := c.hasher().HashFiles(ctx, name, files)
	if err != nil {
		return nil, err
	}
	return c.signManifest(ctx, signer, m)
}
