// Package keys reads elliptic-curve keys from files and makes and checks signatures with them. Only the curves
// of the OMS algorithm registry are known: P-256 with SHA-256, P-384 with SHA-384, P-521 with SHA-512, each
// with ECDSA signatures in ASN.1 DER.
package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512" // for crypto.Hash
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"reflect"

	"github.com/modelsigning/modelsigning/bundle"
)

// Public returns the public key of a signer. The error says that it is a nil pointer.
func Public(signer crypto.Signer) (crypto.PublicKey, error) {
	if v := reflect.ValueOf(signer); v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, fmt.Errorf("%T is a nil pointer", signer)
	}
	return signer.Public(), nil
}

// Check returns the key if it is of a kind that may sign models. The error names what it is instead.
func Check(key crypto.PublicKey) (*ecdsa.PublicKey, error) {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		//lint:ignore SA1019 the methods that are recommended panic if there are no coordinates
		if k == nil || k.Curve == nil || k.X == nil || k.Y == nil {
			return nil, errors.New("the key is empty")
		}
		if _, err := hashFor(k.Curve); err != nil {
			return nil, err
		}
		if _, err := k.Bytes(); err != nil {
			return nil, fmt.Errorf("the key is not a point of its curve: %w", err)
		}
		return k, nil
	case *rsa.PublicKey:
		return nil, unsupported("RSA")
	case ed25519.PublicKey:
		return nil, unsupported("Ed25519")
	case crypto.Signer, ecdsa.PublicKey:
		return nil, fmt.Errorf("the key is of type %T, not *ecdsa.PublicKey", key)
	}
	return nil, unsupported(fmt.Sprintf("%T", key))
}

func unsupported(kind string) error {
	return fmt.Errorf("%s keys are not supported, only elliptic-curve keys on P-256, P-384 and P-521", kind)
}

func hashFor(c elliptic.Curve) (crypto.Hash, error) {
	switch c {
	case elliptic.P256():
		return crypto.SHA256, nil
	case elliptic.P384():
		return crypto.SHA384, nil
	case elliptic.P521():
		return crypto.SHA512, nil
	}
	return 0, unsupported(c.Params().Name)
}

// Hint returns the name that bundles give a key: the lower-case hexadecimal SHA-256 of its PEM encoding.
func Hint(key *ecdsa.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	return hex.EncodeToString(sum[:]), nil
}

// Sign signs the pre-authentication encoding of a statement, and sees that what the signer returns is a
// signature of its public key: a device or a service may be wrong, and then no bundle may be made.
func Sign(signer crypto.Signer, statement []byte) ([]byte, error) {
	key, err := Check(signer.Public())
	if err != nil {
		return nil, err
	}
	hash, err := hashFor(key.Curve)
	if err != nil {
		return nil, err
	}
	sig, err := signer.Sign(rand.Reader, digest(hash, statement), hash)
	if err != nil {
		return nil, err
	}
	if !ecdsa.VerifyASN1(key, digest(hash, statement), sig) {
		return nil, errors.New("the signer made a signature that does not verify with its own public key")
	}
	return sig, nil
}

// Verify reports whether sig is a signature of the statement with key. For statements of release 0.2.0 of the
// Python reference, which encoded them in another way, that encoding is accepted too; see [bundle.LegacyPAE].
func Verify(key *ecdsa.PublicKey, statement, sig []byte) bool {
	hash, err := hashFor(key.Curve)
	if err != nil {
		return false
	}
	if ecdsa.VerifyASN1(key, digest(hash, statement), sig) {
		return true
	}
	legacy, ok := bundle.LegacyPAE(statement)
	if !ok {
		return false
	}
	// That release used SHA-256 on every curve.
	for _, h := range []crypto.Hash{crypto.SHA256, hash} {
		w := h.New()
		w.Write(legacy)
		if ecdsa.VerifyASN1(key, w.Sum(nil), sig) {
			return true
		}
	}
	return false
}

func digest(hash crypto.Hash, statement []byte) []byte {
	h := hash.New()
	_ = bundle.WritePAE(h, statement) // a hash takes everything
	return h.Sum(nil)
}
