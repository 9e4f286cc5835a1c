package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/modelsigning/modelsigning/internal/keys"
)

var oidKeyUsage = asn1.ObjectIdentifier{2, 5, 29, 15}

// CheckLeaf returns the key of a certificate if that may sign models: one on a curve of the OMS algorithm
// registry, whose usage is digitalSignature or, if the certificate states no key usage, codeSigning.
func CheckLeaf(c *x509.Certificate) (*ecdsa.PublicKey, error) {
	key, err := keys.Check(c.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Name(c), err)
	}
	switch c.SignatureAlgorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		// crypto/x509 refuses them too, but never looks at the signature of a root, which a leaf may be.
		return nil, fmt.Errorf("%s is signed with %v, which is not secure", Name(c), c.SignatureAlgorithm)
	}
	stated := StatesKeyUsage(c)
	switch {
	case stated && c.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return nil, fmt.Errorf("%s may not sign models: its key usage is %s, without digitalSignature", Name(c), usages(c.KeyUsage))
	case !stated && !HasCodeSigning(c):
		return nil, fmt.Errorf("%s may not sign models: it has neither the key usage digitalSignature nor the extended key usage codeSigning", Name(c))
	}
	return key, nil
}

// StatesKeyUsage reports whether a certificate has a key usage at all. If not, codeSigning is why it may sign models,
// and the authorities above it must allow that: see [Trust.CodeSigning].
func StatesKeyUsage(c *x509.Certificate) bool {
	return slices.ContainsFunc(c.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(oidKeyUsage) })
}

// HasCodeSigning reports whether a certificate has the extended key usage codeSigning, by that name.
func HasCodeSigning(c *x509.Certificate) bool {
	return slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageCodeSigning)
}

func usages(u x509.KeyUsage) string {
	var names []string
	for i, name := range []string{"digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment",
		"keyAgreement", "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly"} {
		if u&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if names == nil {
		return "empty"
	}
	return strings.Join(names, ", ")
}

// CheckSigner says whether signatures made now with key and the certificate leaf can be verified later. It
// returns the certificates for the bundle, leaf first, each followed by its issuer as far as that is among the
// given ones, then the rest. If any are given, one of them must have issued the leaf.
func CheckSigner(key crypto.PublicKey, leaf *x509.Certificate, given []*x509.Certificate, now time.Time) ([][]byte, error) {
	public, err := CheckLeaf(leaf)
	if err != nil {
		return nil, err
	}
	if !public.Equal(key) {
		return nil, fmt.Errorf("%s is for another key than the private key", Name(leaf))
	}
	if err := CheckTime(leaf, now); err != nil {
		return nil, err
	}
	authorities, err := others(leaf, given)
	if err != nil {
		return nil, err
	}
	// What is above the certificates at hand is unknown here, so any of them may be where the chain ends.
	anchors := x509.NewCertPool()
	for _, c := range authorities {
		anchors.AddCert(c)
	}
	if len(authorities) == 0 || IsSelfSigned(leaf) {
		anchors.AddCert(leaf)
	}
	trust := Trust{Roots: anchors, Given: authorities, CodeSigning: !StatesKeyUsage(leaf)}
	if _, err := trust.chain(leaf, nil, now); err != nil {
		return nil, err
	}
	return order(leaf, authorities), nil
}

// CheckTime says whether the certificate is valid at a time, by itself.
func CheckTime(c *x509.Certificate, at time.Time) error {
	switch {
	case at.Before(c.NotBefore):
		return fmt.Errorf("%s is not valid before %s", Name(c), date(c.NotBefore))
	case at.After(c.NotAfter):
		return fmt.Errorf("%s expired on %s", Name(c), date(c.NotAfter))
	}
	return nil
}

func date(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func order(leaf *x509.Certificate, authorities []*x509.Certificate) [][]byte {
	ders := [][]byte{leaf.Raw}
	for last := leaf; last != nil; {
		i := slices.IndexFunc(authorities, func(c *x509.Certificate) bool { return last.CheckSignatureFrom(c) == nil })
		if i < 0 {
			break
		}
		last = authorities[i]
		ders = append(ders, last.Raw)
		authorities = slices.Concat(authorities[:i], authorities[i+1:])
	}
	for _, c := range authorities {
		ders = append(ders, c.Raw)
	}
	return ders
}

// checkAuthority says whether an authority's key is strong enough for what it has signed to be believed.
func checkAuthority(c *x509.Certificate) error {
	var err error
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < 2048 {
			err = fmt.Errorf("RSA keys of %d bits are not supported, only of 2048 and more", bits)
		}
	case ed25519.PublicKey:
	case *ecdsa.PublicKey:
		_, err = keys.Check(k)
	default:
		err = errors.New("its kind of key is not supported")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", Name(c), err)
	}
	return nil
}
