package verifying

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/modelsigning/modelsigning/internal/certs"
)

// ExpectedIdentity says whose certificate is accepted. All fields that are set must match; of the alternative names
// of a kind, one must. The regular expressions match the whole of a name: they are anchored at both ends.
type ExpectedIdentity struct {
	// Subject is the distinguished name of the certificate's subject in the form of RFC 2253, as
	// "openssl x509 -noout -subject -nameopt RFC2253" prints it: "CN=release,O=Example". All of its attributes
	// count, and their order.
	Subject, SubjectRegexp string
	// Email is an alternative name: an address of electronic mail.
	Email, EmailRegexp string
	// URI is an alternative name: a URI.
	URI, URIRegexp string
	// DNS is an alternative name: a host's, compared without regard to case. Wildcards in certificates match
	// nothing but themselves.
	DNS, DNSRegexp string
	// Fingerprint is the SHA-256 of the certificate's DER in hexadecimal, with or without colons.
	Fingerprint string
}

type identityMatcher []func(*x509.Certificate) error

func (e ExpectedIdentity) matcher() (identityMatcher, error) {
	var m identityMatcher
	for _, k := range []struct {
		what, exact, pattern string
		of                   func(*x509.Certificate) []string
		fold                 bool
	}{
		{"subject", e.Subject, e.SubjectRegexp, subject, false},
		{"email", e.Email, e.EmailRegexp, func(c *x509.Certificate) []string { return c.EmailAddresses }, false},
		{"URI", e.URI, e.URIRegexp, uris, false},
		{"DNS name", e.DNS, e.DNSRegexp, func(c *x509.Certificate) []string { return c.DNSNames }, true},
	} {
		if k.exact != "" {
			m = append(m, oneOf(k.what, k.of, strconv.Quote(k.exact), func(name string) bool {
				return name == k.exact || k.fold && strings.EqualFold(name, k.exact)
			}))
		}
		if k.pattern != "" {
			// Alone first, since what is no expression may become one between the anchors.
			if _, err := regexp.Compile(k.pattern); err != nil {
				return nil, fmt.Errorf("expected %s: %w", k.what, err)
			}
			re, err := regexp.Compile(`^(?:` + k.pattern + `)$`)
			if err != nil {
				return nil, fmt.Errorf("expected %s: %w", k.what, err)
			}
			m = append(m, oneOf(k.what, k.of, "one like "+strconv.Quote(k.pattern), re.MatchString))
		}
	}
	if e.Fingerprint == "" {
		return m, nil
	}
	want, err := hex.DecodeString(strings.ReplaceAll(e.Fingerprint, ":", ""))
	if err != nil || len(want) != sha256.Size {
		return nil, fmt.Errorf("expected fingerprint: %q is not a SHA-256 in hexadecimal", e.Fingerprint)
	}
	return append(m, func(c *x509.Certificate) error {
		if got := sha256.Sum256(c.Raw); string(got[:]) != string(want) {
			return fmt.Errorf("%s has the fingerprint %s, not %s", certs.Name(c), fingerprint(c), e.Fingerprint)
		}
		return nil
	}), nil
}

func oneOf(what string, of func(*x509.Certificate) []string, wanted string, ok func(string) bool) func(*x509.Certificate) error {
	return func(c *x509.Certificate) error {
		names := of(c)
		for _, name := range names {
			if ok(name) {
				return nil
			}
		}
		return fmt.Errorf("%s has the %s %q, not %s", certs.Name(c), what, names[:min(len(names), shown)], wanted)
	}
}

func (m identityMatcher) match(c *x509.Certificate) error {
	for _, f := range m {
		if err := f(c); err != nil {
			return err
		}
	}
	return nil
}

func subject(c *x509.Certificate) []string { return []string{certs.DistinguishedName(c.RawSubject)} }

// uris returns the URIs among the alternative names as they are spelled (RFC 5280, section 4.2.1.6). Those that
// crypto/x509 has parsed are not: it makes "HTTPS://example.com/#" and "https://example.com/" alike.
func uris(c *x509.Certificate) (names []string) {
	for _, e := range c.Extensions {
		var all []asn1.RawValue
		if !e.Id.Equal(oidSubjectAltName) {
			continue
		}
		if _, err := asn1.Unmarshal(e.Value, &all); err != nil {
			return nil
		}
		for _, n := range all {
			if n.Class == asn1.ClassContextSpecific && n.Tag == tagURI {
				names = append(names, string(n.Bytes))
			}
		}
	}
	return names
}

const tagURI = 6 // uniformResourceIdentifier of GeneralName

var oidSubjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

// fingerprint returns the SHA-256 of a certificate as openssl prints it.
func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":")
}
