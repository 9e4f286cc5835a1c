package verifying_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/internal/certtest"
	"github.com/modelsigning/modelsigning/verifying"
)

// directoryNames are name constraints: only names of this organization.
func directoryNames(organization string) pkix.Extension {
	name := must(asn1.Marshal(pkix.Name{Organization: []string{organization}}.ToRDNSequence()))
	context := func(tag int, content []byte) []byte {
		return must(asn1.Marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, IsCompound: true, Bytes: content}))
	}
	sequence := func(content []byte) []byte {
		return must(asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: content}))
	}
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 30}, Value: sequence(context(0, sequence(context(4, name))))}
}

// What crypto/x509 does not check of an authority's name constraints is refused: who is constrained to the names of one team
// can't sign as another.
func TestNameConstraints(t *testing.T) {
	root := certtest.Root(t)
	team := func(change func(*x509.Certificate)) *certtest.Cert {
		return certtest.Authority(t, root, "team A", certtest.Template(change))
	}
	named := team(func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{directoryNames("Team A")} })
	addressed := team(func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedEmailAddresses = true, []string{"team-a.example"}
	})
	hosts := team(func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"team-a.example"}
	})
	leaf := func(ca *certtest.Cert, subject, alternative string) *certtest.Cert {
		return certtest.Leaf(t, ca, certtest.Template(func(c *x509.Certificate) {
			c.EmailAddresses = nil
			if alternative != "" {
				c.EmailAddresses = []string{alternative}
			}
			c.Subject = pkix.Name{CommonName: "release", Organization: []string{"Team B"}}
			if subject != "" {
				c.Subject.ExtraNames = []pkix.AttributeTypeAndValue{{
					Type:  asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1},
					Value: asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte(subject)},
				}}
			}
		}))
	}
	for name, c := range map[string]struct {
		leaf *certtest.Cert
		ca   *certtest.Cert
		want refusal
	}{
		"directory names":    {leaf(named, "", ""), named, refusal{verifying.ErrCertificate, "name constraints are of a kind that is not supported"}},
		"other address":      {leaf(addressed, "", "release@team-b.example"), addressed, refusal{verifying.ErrCertificate, "not permitted"}},
		"address":            {leaf(addressed, "", "release@team-a.example"), addressed, refusal{}},
		"address in subject": {leaf(addressed, "release@team-b.example", ""), addressed, refusal{verifying.ErrCertificate, "in its subject alone"}},
		"both":               {leaf(addressed, "release@team-a.example", "release@team-a.example"), addressed, refusal{}},
		"hosts":              {leaf(hosts, "release@team-b.example", ""), hosts, refusal{}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := open(t, trusting(t, root), signedBy(t, c.leaf, c.ca))
			c.want.check(t, err)
		})
	}
}

// An authority that has got a new key speaks with it of what it signs with it, and not of what the old key has signed.
func TestRevocationByNewKey(t *testing.T) {
	before, after := certtest.Root(t), certtest.Root(t) // one name, two keys
	leaf := certtest.Leaf(t, before)
	stale := before.Revoke(t, x509.RevocationList{ThisUpdate: time.Now().Add(-48 * time.Hour), NextUpdate: time.Now().Add(-24 * time.Hour)})
	fresh, other := before.Revoke(t, x509.RevocationList{}), after.Revoke(t, x509.RevocationList{})
	expired := refusal{verifying.ErrCertificate, "expired on"}
	for name, c := range map[string]struct {
		lists []*x509.RevocationList
		want  refusal
	}{
		"stale":                    {[]*x509.RevocationList{stale}, expired},
		"stale, and another key's": {[]*x509.RevocationList{stale, other}, expired},
		"another key's, and stale": {[]*x509.RevocationList{other, stale}, expired},
		"stale, another's and own": {[]*x509.RevocationList{stale, other, fresh}, refusal{}},
		"another key's":            {[]*x509.RevocationList{other}, refusal{}},
		"another key's, that speaks": {[]*x509.RevocationList{fresh, after.Revoke(t, x509.RevocationList{},
			x509.RevocationListEntry{SerialNumber: leaf.SerialNumber, RevocationTime: time.Now().Add(-time.Hour)})},
			refusal{verifying.ErrCertificate, "was revoked on"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := trusting(t, before, after)
			o.CRLs = c.lists
			_, err := open(t, o, signedBy(t, leaf))
			c.want.check(t, err)
		})
	}
}
