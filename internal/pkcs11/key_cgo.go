//go:build cgo

package pkcs11

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"sync"

	"github.com/miekg/pkcs11"
)

// A Key is a private key on a token, which is open and logged in until Close. It is a [crypto.Signer] of ECDSA
// signatures in ASN.1 DER, for use by many goroutines.
type Key struct {
	options Options
	module  *module

	mu      sync.Mutex
	token   *token
	private object
	public  *ecdsa.PublicKey
	always  bool // the key wants the PIN again for every signature
	certs   []*x509.Certificate
}

// Open opens the key that the URI names: its module, the one token that matches, with the PIN, and the one
// private key that matches. It costs at most one attempt at the PIN.
func Open(o Options) (*Key, error) {
	m, err := load(o.Module)
	if err != nil {
		return nil, err
	}
	k := &Key{options: o, module: m}
	if err := k.open(nil); err != nil {
		return nil, err
	}
	return k, nil
}

// Public returns the public key, as the token has it.
func (k *Key) Public() crypto.PublicKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.public
}

// Close gives the token back. Nothing is left open or logged in if no other key of this process is in use.
func (k *Key) Close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.token != nil {
		k.module.release(k.token, false)
		k.token = nil
	}
}

// Certificate returns the certificate for the key that is on the token, under the key's id or label.
func (k *Key) Certificate() (*x509.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var found *x509.Certificate
	for _, c := range k.certs {
		if !k.public.Equal(c.PublicKey) {
			continue
		}
		if found != nil && !found.Equal(c) {
			return nil, fmt.Errorf("PKCS #11 token %v: two certificates are for the key %v: serial numbers %x and %x; give the one to use as a file",
				k.token.place, k.private, found.SerialNumber, c.SerialNumber)
		}
		found = c
	}
	if found == nil {
		return nil, fmt.Errorf("PKCS #11 token %v: has no certificate for the key %v", k.token.place, k.private)
	}
	return found, nil
}

// Sign signs a digest. If the token has dropped the session meanwhile, it is opened again, once.
func (k *Key) Sign(_ io.Reader, digest []byte, _ crypto.SignerOpts) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.token == nil {
		return nil, errors.New("PKCS #11: the key is closed")
	}
	sig, err := k.sign(digest)
	if isLost(err) {
		if err := k.reopen(); err != nil {
			return nil, fmt.Errorf("the token was lost meanwhile: %w", err)
		}
		sig, err = k.sign(digest)
	}
	if err != nil {
		return nil, fmt.Errorf("PKCS #11 token %v: signing with the key %v: %w", k.token.place, k.private, err)
	}
	return sig, nil
}

func (k *Key) sign(digest []byte) ([]byte, error) {
	sig, loginErr, err := k.token.sign(k.private.handle, digest, k.always)
	if loginErr == nil {
		return sig, err
	}
	// The session is in the middle of a signature, which can't be called off in every version of PKCS #11.
	return nil, k.module.giveUp(k.token, loginErr)
}

// reopen opens the token again. It must be the same one, and hold the same key.
func (k *Key) reopen() error {
	place, public := k.token.place, k.public
	k.module.release(k.token, true)
	k.token = nil
	if err := k.open(&place); err != nil {
		return err
	}
	if !public.Equal(k.public) {
		k.module.release(k.token, false)
		k.token = nil
		return errors.New("it is back with another key of the same name")
	}
	return nil
}

// open acquires the token and finds the key. A token that others have open may have dropped their session: then
// it is opened anew.
func (k *Key) open(again *place) error {
	for try := 0; ; try++ {
		t, err := k.module.acquire(k.options, again)
		if err != nil {
			return err
		}
		err = k.find(t)
		if err == nil {
			k.token = t
			return nil
		}
		lost := isLost(err)
		k.module.release(t, lost)
		if !lost || try > 0 {
			return fmt.Errorf("PKCS #11 token %v: %w", t.place, err)
		}
	}
}

// A keyError is [ErrNoKey], with the reason for its text.
type keyError struct{ error }

func (e keyError) Unwrap() error      { return e.error }
func (keyError) Is(target error) bool { return target == ErrNoKey }

// find finds the key and reads what is public about it.
func (k *Key) find(t *token) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := k.options.URI
	matches, err := t.objects(pkcs11.CKO_PRIVATE_KEY, u.ID, u.Object)
	if err != nil {
		return err
	}
	switch len(matches) {
	case 1:
		k.private = matches[0]
	case 0:
		all, err := t.objects(pkcs11.CKO_PRIVATE_KEY, Text{}, Text{})
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return keyError{errors.New("no private key is on it")}
		}
		return keyError{fmt.Errorf("no private key matches the URI; present: %s", list(all))}
	default:
		return keyError{fmt.Errorf("%d private keys match the URI: %s; add what tells them apart", len(matches), list(matches))}
	}
	if err := k.read(t); err != nil {
		return fmt.Errorf("the key %v: %w", k.private, err)
	}
	return nil
}

func (k *Key) read(t *token) error {
	kind, err := t.keyType(k.private.handle)
	if err != nil {
		return err
	}
	if kind != "" {
		return unsupported(kind + " keys")
	}
	always, err := t.attribute(k.private.handle, pkcs11.CKA_ALWAYS_AUTHENTICATE)
	if err != nil {
		return err
	}
	k.always = always != "" && always[0] != 0
	if k.certs, err = t.certificatesOf(k.private); err != nil {
		return err
	}
	public, err := t.publicOf(k.private)
	if err != nil {
		return err
	}
	if public == nil {
		for _, c := range k.certs {
			if key, ok := c.PublicKey.(*ecdsa.PublicKey); ok && (public == nil || public.Equal(key)) {
				public = key
			}
		}
	}
	if public == nil {
		return keyError{errors.New("is on the token without its public key and without a certificate, and one of them is needed")}
	}
	k.public = public
	return nil
}

// publicOf returns the public key of a private key, nil if the token has none. It is the one with the same id
// and label, or else with the same id, or else with the same label.
func (t *token) publicOf(private object) (*ecdsa.PublicKey, error) {
	found, err := t.companions(pkcs11.CKO_PUBLIC_KEY, private)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	var public *ecdsa.PublicKey
	for _, o := range found {
		key, err := t.publicKey(o.handle)
		if err != nil {
			return nil, err
		}
		if public != nil && !public.Equal(key) {
			return nil, keyError{fmt.Errorf("has several public keys: %s", list(found))}
		}
		public = key
	}
	return public, nil
}

func (t *token) certificatesOf(private object) (certs []*x509.Certificate, err error) {
	found, err := t.companions(pkcs11.CKO_CERTIFICATE, private)
	if err != nil {
		return nil, err
	}
	for _, o := range found {
		c, err := t.certificate(o.handle)
		if err != nil {
			continue // of a kind that is not X.509
		}
		certs = append(certs, c)
	}
	return certs, nil
}

// companions returns the objects of a class that belong to a private key.
func (t *token) companions(class uint, private object) ([]object, error) {
	id, label := Text{true, private.id}, Text{true, private.label}
	for _, by := range [][2]Text{{id, label}, {id, Text{}}, {Text{}, label}} {
		if by[0].Value == "" && by[1].Value == "" {
			continue
		}
		found, err := t.objects(class, by[0], by[1])
		if err != nil || len(found) > 0 {
			return found, err
		}
	}
	return nil, nil
}

// sign makes one signature. The PIN may be refused to a key that wants it for every one.
func (t *token) sign(key pkcs11.ObjectHandle, digest []byte, always bool) (sig []byte, loginErr, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, nil, errClosed
	}
	ctx := t.module.ctx
	if err := ctx.SignInit(t.session, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_ECDSA, nil)}, key); err != nil {
		return nil, nil, err
	}
	if always {
		if err := ctx.Login(t.session, pkcs11.CKU_CONTEXT_SPECIFIC, t.pin); err != nil {
			return nil, err, nil
		}
	}
	raw, err := ctx.Sign(t.session, digest)
	if err != nil {
		return nil, nil, err
	}
	if len(raw) == 0 || len(raw)%2 != 0 {
		return nil, nil, fmt.Errorf("the token returned a signature of %d bytes", len(raw))
	}
	var rs struct{ R, S *big.Int }
	rs.R = new(big.Int).SetBytes(raw[:len(raw)/2])
	rs.S = new(big.Int).SetBytes(raw[len(raw)/2:])
	sig, err = asn1.Marshal(rs)
	return sig, nil, err
}
