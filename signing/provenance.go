package signing

import (
	"context"
	"errors"
	"fmt"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/bundle/provenance"
	"github.com/modelsigning/modelsigning/manifest"
)

// SignProvenance signs how a model, a directory or a file, was built, and writes the bundle to the file named attestation.
// It is to provenance what [Configuration.SignContext] is to signatures: the same signers sign it, the model is hashed
// as the hashing configuration says, an attestation inside the model is left out of it, and what stands in its place is
// replaced only if it is provenance. A signature that lies inside the model is to be ignored, too, or it is taken for
// one of the model's files: see [hashing.Configuration.AddIgnoredPaths].
//
// Errors are those of SignContext and of [provenance.Marshal].
func (c Configuration) SignProvenance(ctx context.Context, model, attestation string, b provenance.Build) error {
	k := kind{
		what:    "provenance of a model",
		marshal: func(m *manifest.Manifest) ([]byte, error) { return provenance.Marshal(m, b) },
		check: func(statement []byte) error {
			_, err := provenance.Parse(statement)
			return err
		},
	}
	if err := provenance.Check(b); err != nil {
		return err
	}
	ctx, s := c.trace(ctx)
	err := c.sign(ctx, model, attestation, k)
	s.End(err)
	if err != nil {
		return fmt.Errorf("provenance of %s: %w", model, err)
	}
	return nil
}

// SignStatement signs an in-toto statement that the caller has made, such as one of [provenance.Marshal], and keeps
// it. What it says is not looked at.
func (c Configuration) SignStatement(ctx context.Context, statement []byte) (*bundle.Bundle, error) {
	ctx, s := c.trace(ctx)
	b, err := c.signAny(ctx, statement)
	s.End(err)
	if err != nil {
		return nil, fmt.Errorf("signing a statement: %w", err)
	}
	return b, nil
}

func (c Configuration) signAny(ctx context.Context, statement []byte) (*bundle.Bundle, error) {
	if len(statement) == 0 {
		return nil, errors.New("it is empty")
	}
	signer, done, err := c.prepare(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	return c.signStatement(ctx, signer, statement)
}
