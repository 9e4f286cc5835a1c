package signing

import (
	"context"
	"crypto"
	"errors"
	"fmt"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/keys"
)

// An EllipticKey says which private key signs: one on P-256, P-384 or P-521.
type EllipticKey struct {
	// PrivateKey is the path of a PEM file: PKCS #8, encrypted or not, or SEC 1.
	PrivateKey string
	// Password decrypts the file if it is encrypted, and is not looked at otherwise.
	Password string
	// Key is used in place of a file if it is set: a key in memory, a KMS, anything that signs digests with
	// ECDSA in ASN.1 DER. It must be safe for use by many goroutines if the configuration is used so.
	Key crypto.Signer
}

// UseEllipticKeySigner signs with an elliptic-curve key. The file is read at once; [Configuration.Err] tells if
// that did not work. The bundle names the public key by its hash and does not hold it.
func (c Configuration) UseEllipticKeySigner(o EllipticKey) Configuration {
	s, err := newKeySigner(o)
	if err != nil {
		return c.use(nil, err)
	}
	return c.use(s, nil)
}

type keySigner struct {
	key  crypto.Signer
	hint string
}

func newKeySigner(o EllipticKey) (*keySigner, error) {
	signer := o.Key
	if signer == nil {
		if o.PrivateKey == "" {
			return nil, errors.New("elliptic key: neither PrivateKey nor Key is set")
		}
		var err error
		if signer, err = keys.ReadPrivate(o.PrivateKey, o.Password); err != nil {
			return nil, err
		}
	}
	key, err := keys.Public(signer)
	if err != nil {
		return nil, fmt.Errorf("elliptic key: %w", err)
	}
	public, err := keys.Check(key)
	if err != nil {
		return nil, err
	}
	hint, err := keys.Hint(public)
	if err != nil {
		return nil, err
	}
	return &keySigner{signer, hint}, nil
}

func (s *keySigner) Sign(_ context.Context, statement []byte) (*bundle.Bundle, error) {
	sig, err := keys.Sign(s.key, statement)
	if err != nil {
		return nil, err
	}
	return bundle.NewKey(statement, sig, s.hint), nil
}
