package verifying

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/keys"
)

// An EllipticKey says which public key the model must be signed with: one on P-256, P-384 or P-521.
type EllipticKey struct {
	// PublicKey is the path of a PEM file.
	PublicKey string
	// Key is used in place of a file if it is set: an *ecdsa.PublicKey.
	Key crypto.PublicKey
	// TSACertificateChain are the paths of files with the certificates of the timestamp authorities to trust: PEM,
	// each of any number, or a single one in DER. Every timestamp in the bundle must verify with them: without
	// any, a bundle that has a timestamp is refused with [ErrTimestamp].
	TSACertificateChain []string
	// TSACertificates are such certificates, too.
	TSACertificates []*x509.Certificate
}

// UseEllipticKeyVerifier accepts signatures of one elliptic-curve key. The file is read at once;
// [Configuration.Err] tells if that did not work.
func (c Configuration) UseEllipticKeyVerifier(o EllipticKey) Configuration {
	v, err := newKeyVerifier(o)
	if err != nil {
		return c.use(nil, err)
	}
	return c.use(v, nil)
}

type keyVerifier struct {
	key        *ecdsa.PublicKey
	hint       string
	timestamps timestampVerifier
}

func newKeyVerifier(o EllipticKey) (*keyVerifier, error) {
	var key *ecdsa.PublicKey
	var err error
	switch {
	case o.Key != nil:
		key, err = keys.Check(o.Key)
	case o.PublicKey != "":
		key, err = keys.ReadPublic(o.PublicKey)
	default:
		err = errors.New("elliptic key: neither PublicKey nor Key is set")
	}
	if err != nil {
		return nil, err
	}
	hint, err := keys.Hint(key)
	if err != nil {
		return nil, err
	}
	timestamps, err := newTimestampVerifier(o.TSACertificateChain, o.TSACertificates, nil)
	if err != nil {
		return nil, err
	}
	return &keyVerifier{key, hint, timestamps}, nil
}

func (v *keyVerifier) Verify(_ context.Context, b *bundle.Bundle) ([]byte, Identity, error) {
	if err := checkMethod(b, bundle.Key); err != nil {
		return nil, Identity{}, err
	}
	hint := b.Proto().GetVerificationMaterial().GetPublicKey().GetHint()
	if hint != "" && hint != v.hint {
		return nil, Identity{}, fmt.Errorf("%w: with the key %.64q, while the given key is %q", ErrIdentity, hint, v.hint)
	}
	statement := b.UnverifiedStatement()
	if !keys.Verify(v.key, statement, b.Signature()) {
		return nil, Identity{}, fmt.Errorf("%w with the key %q", ErrSignature, v.hint)
	}
	proof, err := v.timestamps.verify(b)
	if err != nil {
		return nil, Identity{}, err
	}
	return statement, Identity{
		Method: bundle.Key, Subject: v.hint, PublicKey: v.key, Time: proof.time, TimeSource: proof.source,
	}, nil
}

// checkMethod reports why a verifier for this method can't verify the bundle.
func checkMethod(b *bundle.Bundle, want bundle.Method) error {
	if got := b.Method(); got != want {
		return fmt.Errorf("%w: the signature is by %s, and the verifier is for %s", ErrMethod, cmp.Or(got, "nothing"), want)
	}
	return nil
}
