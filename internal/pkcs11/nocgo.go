//go:build !cgo

package pkcs11

import (
	"crypto"
	"crypto/x509"
)

// Supported returns [ErrNoCgo], since this is a program without cgo.
func Supported() error { return ErrNoCgo }

// A Key is a private key on a token. Without cgo there is none.
type Key struct{ crypto.Signer }

// Open returns [ErrNoCgo], since this is a program without cgo.
func Open(Options) (*Key, error) { return nil, ErrNoCgo }

// Close does nothing.
func (*Key) Close() {}

// Certificate returns [ErrNoCgo].
func (*Key) Certificate() (*x509.Certificate, error) { return nil, ErrNoCgo }
