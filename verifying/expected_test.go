package verifying_test

import (
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/internal/certtest"
	"github.com/modelsigning/modelsigning/verifying"
)

// Each kind of identity matches as a whole, and all that are asked for must.
func TestExpectedIdentity(t *testing.T) {
	leaf := certtest.Leaf(t, nil, certtest.Template(func(c *x509.Certificate) {
		c.EmailAddresses = []string{"ci@example.com", "release@example.com"}
		c.URIs = []*url.URL{must(url.Parse("https://example.com/release/v1"))}
		c.DNSNames = []string{"release.example.com"}
	}))
	sum := sha256.Sum256(leaf.Raw)
	b := signedBy(t, leaf)
	type id = verifying.ExpectedIdentity
	for _, c := range []struct {
		e  id
		ok bool
	}{
		{id{}, true},
		{id{Subject: "CN=signer,O=Example"}, true},
		{id{Subject: "CN=signer"}, false},
		{id{Subject: "O=Example,CN=signer"}, false},
		{id{SubjectRegexp: "CN=.*,O=Example"}, true},
		{id{SubjectRegexp: "CN=sign"}, false},
		{id{SubjectRegexp: "O=Example"}, false},
		{id{SubjectRegexp: "x|CN=signer"}, false},
		{id{SubjectRegexp: "x|CN=signer,O=Example"}, true},
		{id{SubjectRegexp: "(?m)CN=signer,O=Example$"}, true},
		{id{Email: "release@example.com"}, true},
		{id{Email: "Release@example.com"}, false},
		{id{Email: "example.com"}, false},
		{id{EmailRegexp: "[a-z]+@example\\.com"}, true},
		{id{EmailRegexp: "@example\\.com"}, false},
		{id{URI: "https://example.com/release/v1"}, true},
		{id{URI: "https://example.com/release"}, false},
		{id{URIRegexp: "https://example\\.com/release/v\\d+"}, true},
		{id{URIRegexp: "https://example\\.com/release"}, false},
		{id{DNS: "Release.Example.com"}, true},
		{id{DNS: "example.com"}, false},
		{id{DNSRegexp: ".*\\.example\\.com"}, true},
		{id{DNSRegexp: "example"}, false},
		{id{Fingerprint: strings.ToUpper(hexOf(sum[:]))}, true},
		{id{Fingerprint: colons(sum[:])}, true},
		{id{Fingerprint: strings.Repeat("00", 32)}, false},
		{id{Email: "release@example.com", DNS: "release.example.com", Fingerprint: hexOf(sum[:])}, true},
		{id{Email: "release@example.com", DNS: "other.example.com"}, false},
		{id{Email: "release@example.com", EmailRegexp: "x"}, false},
	} {
		o := trusting(t, leaf)
		o.Expected = c.e
		r, err := open(t, o, b)
		if c.ok && err != nil {
			t.Errorf("%+v: %v", c.e, err)
		}
		if !c.ok && !errors.Is(err, verifying.ErrIdentity) {
			t.Errorf("%+v: got %v, want %v", c.e, err, verifying.ErrIdentity)
		}
		if err == nil && (r.Signer.Subject != "CN=signer,O=Example" || !r.Signer.Time.IsZero() || len(r.Signer.Certificates) != 1) {
			t.Errorf("signer is %+v", r.Signer)
		}
	}
	for _, e := range []id{{SubjectRegexp: "a)|(b"}, {EmailRegexp: "["}, {Fingerprint: "00"}, {Fingerprint: strings.Repeat("x", 64)}} {
		o := trusting(t, leaf)
		o.Expected = e
		if verifying.Config().UseCertificateVerifier(o).Err() == nil {
			t.Errorf("%+v is no error", e)
		}
	}
}

// Where codeSigning is why a certificate may sign, its authority must be one for code signing.
func TestAuthorityForOtherUse(t *testing.T) {
	root := certtest.Root(t)
	servers := certtest.Authority(t, root, "servers only", certtest.Template(func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}))
	code := certtest.Usage(0, x509.ExtKeyUsageCodeSigning)
	_, err := open(t, trusting(t, root), signedBy(t, certtest.Leaf(t, servers, code), servers))
	refusal{verifying.ErrCertificate, "usage"}.check(t, err)
	_, err = open(t, trusting(t, root), signedBy(t, certtest.Leaf(t, root, code)))
	refusal{}.check(t, err)
}

// Alternative names count as they are spelled.
func TestExpectedURISpelled(t *testing.T) {
	leaf := certtest.Leaf(t, nil, certtest.Template(func(c *x509.Certificate) {
		c.URIs = []*url.URL{{Scheme: "HTTPS", Host: "example.com", Path: "/release"}}
	}))
	for uri, ok := range map[string]bool{"HTTPS://example.com/release": true, "https://example.com/release": false} {
		o := trusting(t, leaf)
		o.Expected.URI = uri
		if _, err := open(t, o, signedBy(t, leaf)); (err == nil) != ok {
			t.Errorf("%s: got %v", uri, err)
		}
	}
}

// A subject with more in it than is expected is another subject.
func TestExpectedSubjectWhole(t *testing.T) {
	name := func(cns ...string) *certtest.Cert {
		rdns := pkix.RDNSequence{{{Type: asn1.ObjectIdentifier{2, 5, 4, 10}, Value: "Example"}}}
		for _, cn := range cns {
			rdns = append(rdns, pkix.RelativeDistinguishedNameSET{{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: cn}})
		}
		raw := must(asn1.Marshal(rdns))
		return certtest.Leaf(t, nil, certtest.Template(func(c *x509.Certificate) { c.RawSubject = raw }))
	}
	one, two := name("release"), name("mallory", "release")
	for _, e := range []verifying.ExpectedIdentity{{Subject: "CN=release,O=Example"}, {SubjectRegexp: "CN=release,O=.*"}} {
		o := trusting(t, one, two)
		o.Expected = e
		_, err := open(t, o, signedBy(t, one))
		refusal{}.check(t, err)
		_, err = open(t, o, signedBy(t, two))
		refusal{verifying.ErrIdentity, `has the subject ["CN=release,CN=mallory,O=Example"]`}.check(t, err)
	}
}
