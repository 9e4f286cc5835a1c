//go:build nosigstore

package sigstore

import (
	"context"

	"github.com/modelsigning/modelsigning/bundle"
)

// A Signer is never made in this build.
type Signer struct{}

// NewSigner returns [ErrNotBuilt].
func NewSigner(SignerOptions) (*Signer, error) { return nil, ErrNotBuilt }

// Sign returns [ErrNotBuilt].
func (*Signer) Sign(context.Context, []byte) (*bundle.Bundle, error) { return nil, ErrNotBuilt }

// Check returns [ErrNotBuilt].
func (*Signer) Check(context.Context) error { return ErrNotBuilt }

// A Verifier is never made in this build.
type Verifier struct{}

// NewVerifier returns [ErrNotBuilt].
func NewVerifier(Trust, Policy) (*Verifier, error) { return nil, ErrNotBuilt }

// Verify returns [ErrNotBuilt].
func (*Verifier) Verify(context.Context, *bundle.Bundle) (*Verified, error) { return nil, ErrNotBuilt }
