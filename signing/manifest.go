package signing

import (
	"context"
	"errors"
	"fmt"

	"github.com/modelsigning/modelsigning/manifest"
)

// SignManifestTo signs a manifest that the caller has, as [Configuration.SignManifest] does, and writes the bundle to
// the file signature with the care of [Configuration.SignContext]: it replaces nothing but a signature or an empty
// file, and appears whole or not at all.
//
// It is for models that others have hashed, such as [manifest.Merge] of their parts, and reads no model: a signature
// that is to lie inside of the model must be among the paths that the manifest ignores, or verifying will find a file
// that was not signed.
func (c Configuration) SignManifestTo(ctx context.Context, m *manifest.Manifest, signature string) error {
	if m == nil {
		return errors.New("signing: the manifest is nil")
	}
	ctx, s := c.trace(ctx)
	err := c.signManifestTo(ctx, m, signature)
	s.End(err)
	if err != nil {
		return fmt.Errorf("signing %s: %w", m.Name, err)
	}
	return nil
}

func (c Configuration) signManifestTo(ctx context.Context, m *manifest.Manifest, signature string) error {
	target, err := findTarget(signature)
	if err == nil {
		err = checkOld(target.Old(), signature, nil, false, modelSignature)
	}
	if err != nil {
		return err
	}
	signer, done, err := c.prepare(ctx)
	if err != nil {
		return err
	}
	defer done()
	b, err := c.signManifest(ctx, signer, m)
	if err != nil {
		return err
	}
	return write(target, b)
}
