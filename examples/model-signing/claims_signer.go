package main

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"time"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/certs"
)

// A claimedSigner is who a bundle says has signed.
type claimedSigner struct {
	// KeyHint is the key's fingerprint. Releases of the reference before 1.1 wrote none.
	KeyHint      string        `json:"key_hint,omitempty"`
	Certificates []certificate `json:"certificates"` // leaf first
}

type certificate struct {
	SHA256     string   `json:"sha256"`
	Error      string   `json:"error,omitempty"` // why the rest is missing
	Subject    string   `json:"subject,omitempty"`
	Issuer     string   `json:"issuer,omitempty"`
	NotBefore  string   `json:"not_before,omitempty"`
	NotAfter   string   `json:"not_after,omitempty"`
	Names      []string `json:"names,omitempty"`       // alternative names: who it is for Sigstore
	OIDCIssuer string   `json:"oidc_issuer,omitempty"` // with Sigstore, who vouches for the name
}

func newClaimedSigner(b *bundle.Bundle) claimedSigner {
	s := claimedSigner{
		KeyHint:      b.Proto().GetVerificationMaterial().GetPublicKey().GetHint(),
		Certificates: []certificate{},
	}
	for _, der := range b.Certificates() {
		s.Certificates = append(s.Certificates, newCertificate(der))
	}
	return s
}

func newCertificate(der []byte) certificate {
	c := certificate{SHA256: digestOf(der)}
	x, err := x509.ParseCertificate(der)
	if err != nil {
		c.Error = err.Error()
		return c
	}
	c.Subject, c.Issuer = certs.DistinguishedName(x.RawSubject), certs.DistinguishedName(x.RawIssuer)
	c.NotBefore, c.NotAfter = utc(x.NotBefore), utc(x.NotAfter)
	c.Names = append(c.Names, x.EmailAddresses...)
	for _, u := range x.URIs {
		c.Names = append(c.Names, u.String())
	}
	c.Names = append(c.Names, x.DNSNames...)
	c.OIDCIssuer = oidcIssuer(x)
	return c
}

// oidcIssuer returns what Fulcio writes into an extension: see its document oid-info.md. The first form is deprecated.
func oidcIssuer(x *x509.Certificate) (issuer string) {
	fulcio := asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1}
	for _, e := range x.Extensions {
		switch {
		case e.Id.Equal(append(fulcio, 1)) && issuer == "":
			issuer = string(e.Value)
		case e.Id.Equal(append(fulcio, 8)):
			_, _ = asn1.Unmarshal(e.Value, &issuer) // no string, no issuer
		}
	}
	return issuer
}

// A timestamp is what a response of an RFC 3161 authority says.
type timestamp struct {
	Time  string `json:"time,omitempty"`
	Error string `json:"error,omitempty"` // why there is no time
}

func newTimestamp(response []byte) timestamp {
	at, err := stampTime(response)
	if err != nil {
		return timestamp{Error: "can't be read"}
	}
	return timestamp{Time: utc(at)}
}

// stampTime digs the time out of a response (RFC 3161, sections 2.4.2), which is a signed message (RFC 5652, section
// 5) whose content has the time. Nothing else of it is looked at.
func stampTime(response []byte) (time.Time, error) {
	var r struct {
		Status asn1.RawValue
		Token  struct {
			Type    asn1.ObjectIdentifier
			Content struct {
				Version int
				Digests asn1.RawValue
				Content struct {
					Type asn1.ObjectIdentifier
					Info []byte `asn1:"explicit,tag:0"`
				}
			} `asn1:"explicit,tag:0"`
		}
	}
	if rest, err := asn1.Unmarshal(response, &r); err != nil {
		return time.Time{}, err
	} else if len(rest) > 0 {
		return time.Time{}, errors.New("data behind the timestamp")
	}
	var info struct {
		Version int
		Policy  asn1.ObjectIdentifier
		Imprint asn1.RawValue
		Serial  asn1.RawValue
		Time    time.Time `asn1:"generalized"`
	}
	_, err := asn1.Unmarshal(r.Token.Content.Content.Info, &info)
	return info.Time, err
}
