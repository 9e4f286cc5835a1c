package certs_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/internal/certs"
	"github.com/modelsigning/modelsigning/internal/certtest"
)

func TestSubject(t *testing.T) {
	for _, c := range []struct {
		want   string
		change func(*x509.Certificate)
	}{
		{"CN=signer,O=Example", func(*x509.Certificate) {}},
		{"signer@example.com", func(c *x509.Certificate) { c.Subject = pkix.Name{} }},
		{"spiffe://example.com/ci", func(c *x509.Certificate) {
			c.Subject, c.EmailAddresses, c.URIs = pkix.Name{}, nil, []*url.URL{{Scheme: "spiffe", Host: "example.com", Path: "/ci"}}
		}},
		{"example.com", func(c *x509.Certificate) {
			c.Subject, c.EmailAddresses, c.DNSNames = pkix.Name{}, nil, []string{"example.com"}
		}},
	} {
		if got := certs.Subject(certtest.Leaf(t, nil, certtest.Template(c.change)).Certificate); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	bare := certtest.Leaf(t, nil, certtest.Template(func(c *x509.Certificate) { c.Subject, c.EmailAddresses = pkix.Name{}, nil }))
	if got, want := certs.Subject(bare.Certificate), "serial number "+bare.SerialNumber.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	hostile := certtest.Leaf(t, nil, certtest.Template(func(c *x509.Certificate) { c.Subject.CommonName = "a\x1b[2Jb" }))
	if got := certs.Name(hostile.Certificate); strings.ContainsRune(got, 0x1b) {
		t.Errorf("%q goes to terminals as it is", got)
	}
}

// Names that hold the same attributes, or some more, are different names.
func TestDistinguishedName(t *testing.T) {
	o := func(value string) pkix.AttributeTypeAndValue {
		return pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{2, 5, 4, 10}, Value: value}
	}
	cn := func(value string) pkix.AttributeTypeAndValue {
		return pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: value}
	}
	for _, c := range []struct {
		name pkix.RDNSequence
		want string // as "openssl x509 -subject -nameopt RFC2253" prints it
	}{
		{pkix.RDNSequence{{o("Example")}, {cn("release")}}, "CN=release,O=Example"},
		{pkix.RDNSequence{{cn("release")}, {o("Example")}}, "O=Example,CN=release"},
		{pkix.RDNSequence{{o("Example")}, {cn("mallory")}, {cn("release")}}, "CN=release,CN=mallory,O=Example"},
		{pkix.RDNSequence{{o("Example")}, {cn("")}, {cn("release")}}, "CN=release,CN=,O=Example"},
		{pkix.RDNSequence{{cn("release"), o("Example")}}, "CN=release+O=Example"},
		{pkix.RDNSequence{{o("Example")}, {cn("release,O=Other")}}, `CN=release\,O=Other,O=Example`},
	} {
		der, err := asn1.Marshal(c.name)
		if err != nil {
			t.Fatal(err)
		}
		leaf := certtest.Leaf(t, nil, certtest.Template(func(l *x509.Certificate) { l.RawSubject = der }))
		if got := certs.Subject(leaf.Certificate); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	if got, want := certs.DistinguishedName([]byte{1}), "#01"; got != want {
		t.Errorf("no name: got %q, want %q", got, want)
	}
}

// Of several chains, one that is not revoked is enough.
func TestCrossSigned(t *testing.T) {
	one, two := certtest.Root(t), certtest.Authority(t, nil, "other root")
	ca := certtest.Authority(t, one, "intermediate")
	cross := certtest.Authority(t, two, "intermediate", certtest.Key(ca.Key))
	leaf := certtest.Leaf(t, ca)
	now := certs.Time{Time: time.Now()}
	revoke := func(by, c *certtest.Cert) *x509.RevocationList {
		return by.Revoke(t, x509.RevocationList{}, x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: time.Now().Add(-time.Minute)})
	}
	trust := certs.Trust{}
	if !trust.AddGiven([]*x509.Certificate{one.Certificate, two.Certificate}, false) {
		t.Fatal("no roots")
	}
	authorities := []*x509.Certificate{ca.Certificate, cross.Certificate}
	trust.Revoked = []*x509.RevocationList{revoke(one, ca)}
	chain, err := trust.Verify(leaf.Certificate, authorities, now)
	if err != nil || !chain[1].Equal(cross.Certificate) {
		t.Errorf("got %v, %v", chain, err)
	}
	trust.Revoked = append(trust.Revoked, revoke(two, cross))
	if _, err := trust.Verify(leaf.Certificate, authorities, now); err == nil || !strings.Contains(err.Error(), "was revoked on") {
		t.Errorf("both are revoked: %v", err)
	}
}

func TestEd25519Authority(t *testing.T) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := certtest.Root(t, certtest.Key(key))
	var trust certs.Trust
	trust.AddGiven([]*x509.Certificate{root.Certificate}, false)
	if _, err := trust.Verify(certtest.Leaf(t, root).Certificate, nil, certs.Time{Time: time.Now()}); err != nil {
		t.Error(err)
	}
}

func TestReadFiles(t *testing.T) {
	root := certtest.Root(t)
	good, err := os.ReadFile(certtest.Files(t, root))
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(root.KeyFile(t))
	if err != nil {
		t.Fatal(err)
	}
	bad := "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
	for _, c := range []struct {
		name, data string
		count      int
		says       string
	}{
		{"text around", "subject: root\n" + string(good) + "and\n" + string(good), 2, ""},
		{"key beside it", string(key) + string(good), 1, ""},
		{"DER", string(root.Raw), 1, ""},
		{"DER with more", string(root.Raw) + "\n", 0, "trailing data"},
		{"nothing", "", 0, `holds no PEM block "CERTIFICATE"`},
		{"key alone", string(key), 0, `holds a "PRIVATE KEY"`},
		{"second is bad", string(good) + bad, 0, "the 2nd in the file: x509: malformed"},
		{"third is bad", string(good) + string(good) + bad, 0, "the 3rd in the file"},
		{"fourth is bad", string(good) + string(good) + string(good) + bad, 0, "the 4th in the file"},
		{"second is cut off", string(good) + string(good[:100]), 0, "only 1 of 2 PEM blocks can be read"},
	} {
		name := filepath.Join(t.TempDir(), "chain.pem")
		if err := os.WriteFile(name, []byte(c.data), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := certs.ReadFiles(name)
		if len(got) != c.count || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %d certificates and %v, want %d and %q", c.name, len(got), err, c.count, c.says)
		}
		if _, err := certs.ReadRevocationLists(name); err == nil {
			t.Errorf("%s: is a revocation list", c.name)
		}
	}
	if _, err := certs.ReadFiles("/nowhere"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
