// Package certtest makes certificates for tests: good ones, and with a change any other.
package certtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A Cert is a certificate and its key.
type Cert struct {
	*x509.Certificate
	Key crypto.Signer
}

// A Change changes the template of a certificate, or the key.
type Change func(template *x509.Certificate, key *crypto.Signer)

// Root makes a self-signed certificate of an authority.
func Root(t testing.TB, changes ...Change) *Cert { return Authority(t, nil, "root", changes...) }

// Authority makes the certificate of an authority below parent, self-signed if that is nil.
func Authority(t testing.TB, parent *Cert, name string, changes ...Change) *Cert {
	t.Helper()
	return issue(t, parent, &x509.Certificate{
		Subject:               pkix.Name{CommonName: name, Organization: []string{"Example"}},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}, changes)
}

// Leaf makes the certificate of a signer below parent, self-signed if that is nil.
func Leaf(t testing.TB, parent *Cert, changes ...Change) *Cert {
	t.Helper()
	return issue(t, parent, &x509.Certificate{
		Subject:               pkix.Name{CommonName: "signer", Organization: []string{"Example"}},
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		EmailAddresses:        []string{"signer@example.com"},
		BasicConstraintsValid: true,
	}, changes)
}

func issue(t testing.TB, parent *Cert, template *x509.Certificate, changes []Change) *Cert {
	t.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = serial
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	var key crypto.Signer = newKey(t, elliptic.P256())
	for _, change := range changes {
		change(template, &key)
	}
	by := &Cert{template, key}
	if parent != nil {
		by = parent
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.Certificate, key.Public(), by.Key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &Cert{c, key}
}

func newKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Template changes the template.
func Template(f func(*x509.Certificate)) Change {
	return func(c *x509.Certificate, _ *crypto.Signer) { f(c) }
}

// Key sets the key.
func Key(key crypto.Signer) Change {
	return func(_ *x509.Certificate, k *crypto.Signer) { *k = key }
}

// Curve makes a key on the curve.
func Curve(t testing.TB, curve elliptic.Curve) Change { return Key(newKey(t, curve)) }

// Valid sets when the certificate is valid, relative to now.
func Valid(from, to time.Duration) Change {
	return Template(func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(from), time.Now().Add(to)
	})
}

// Usage sets both kinds of usage.
func Usage(usage x509.KeyUsage, extended ...x509.ExtKeyUsage) Change {
	return Template(func(c *x509.Certificate) { c.KeyUsage, c.ExtKeyUsage = usage, extended })
}

// Issue makes a certificate from a whole template below parent.
func Issue(t testing.TB, parent *Cert, template *x509.Certificate, changes ...Change) *Cert {
	t.Helper()
	return issue(t, parent, template, changes)
}

// Files writes certificates into one PEM file and returns its path.
func Files(t testing.TB, certs ...*Cert) string {
	t.Helper()
	var text []byte
	for _, c := range certs {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return write(t, "chain.pem", text)
}

// KeyFile writes the certificate's key into a PEM file and returns its path.
func (c *Cert) KeyFile(t testing.TB) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.Key)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// Revoke makes a list of an authority that revokes entries.
func (c *Cert) Revoke(t testing.TB, list x509.RevocationList, entries ...x509.RevocationListEntry) *x509.RevocationList {
	t.Helper()
	if list.ThisUpdate.IsZero() {
		list.ThisUpdate, list.NextUpdate = time.Now().Add(-time.Minute), time.Now().Add(time.Hour)
	}
	list.Number, list.RevokedCertificateEntries = big.NewInt(1), entries
	der, err := x509.CreateRevocationList(rand.Reader, &list, c.Certificate, c.Key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := x509.ParseRevocationList(der)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// RevocationFile writes a list into a PEM file and returns its path.
func RevocationFile(t testing.TB, l *x509.RevocationList) string {
	t.Helper()
	return write(t, "crl.pem", pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: l.Raw}))
}

func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
