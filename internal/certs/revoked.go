package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"strconv"
	"time"

	"github.com/modelsigning/modelsigning/internal/keys"
)

// maxRevocationList is the largest file of a revocation list in bytes: a million entries or more.
const maxRevocationList = 64 << 20

var (
	oidDeltaCRL                 = asn1.ObjectIdentifier{2, 5, 29, 27}
	oidIssuingDistributionPoint = asn1.ObjectIdentifier{2, 5, 29, 28}
	oidInvalidityDate           = asn1.ObjectIdentifier{2, 5, 29, 24}
	oidCRLReason                = asn1.ObjectIdentifier{2, 5, 29, 21}
	oidAuthorityKeyID           = asn1.ObjectIdentifier{2, 5, 29, 35}
	oidCRLNumber                = asn1.ObjectIdentifier{2, 5, 29, 20}
)

// ReadRevocationLists reads the lists of all files, each a PEM file of at least one, or a single one in DER.
func ReadRevocationLists(names ...string) ([]*x509.RevocationList, error) {
	var all []*x509.RevocationList
	for _, name := range names {
		data, err := keys.ReadAtMost(name, maxRevocationList)
		if err != nil {
			return nil, fmt.Errorf("revocation list: %w", err)
		}
		blocks, err := pemBlocks(data, "X509 CRL")
		if err != nil {
			return nil, fmt.Errorf("revocation list %s: %w", name, err)
		}
		for i, der := range blocks {
			l, err := x509.ParseRevocationList(der)
			if err != nil {
				return nil, fmt.Errorf("revocation list %s: the %s in the file: %w", name, ordinal(i+1), err)
			}
			all = append(all, l)
		}
	}
	return all, nil
}

// CheckRevocationList refuses lists that do not mean what they seem to: those of changes only, and those in which
// one authority revokes what others issued.
func CheckRevocationList(l *x509.RevocationList) error {
	for _, e := range l.Extensions {
		switch {
		case e.Id.Equal(oidDeltaCRL):
			return fmt.Errorf("revocation list of %q holds changes only (a delta CRL), which is not supported", DistinguishedName(l.RawIssuer))
		case e.Id.Equal(oidIssuingDistributionPoint):
			if partial(e.Value) {
				return fmt.Errorf("revocation list of %q is indirect, or not for all certificates and reasons, which is not supported", DistinguishedName(l.RawIssuer))
			}
		case e.Id.Equal(oidAuthorityKeyID), e.Id.Equal(oidCRLNumber):
		case e.Critical:
			return fmt.Errorf("revocation list of %q has the critical extension %v, which is not supported", DistinguishedName(l.RawIssuer), e.Id)
		}
	}
	for _, r := range l.RevokedCertificateEntries {
		for _, e := range r.Extensions {
			if e.Critical && !e.Id.Equal(oidInvalidityDate) && !e.Id.Equal(oidCRLReason) {
				return fmt.Errorf("revocation list of %q: the entry for serial number %v has the critical extension %v, which is not supported",
					DistinguishedName(l.RawIssuer), r.SerialNumber, e.Id)
			}
		}
	}
	return nil
}

// partial reports whether an issuing distribution point (RFC 5280, section 5.2.5) says that the list is indirect or
// does not speak of all certificates, or can't be read. What a partial list leaves out would seem not to be revoked.
func partial(value []byte) bool {
	var p struct {
		Point      asn1.RawValue  `asn1:"optional,tag:0"`
		User       bool           `asn1:"optional,tag:1"`
		CA         bool           `asn1:"optional,tag:2"`
		Reasons    asn1.BitString `asn1:"optional,tag:3"`
		Indirect   bool           `asn1:"optional,tag:4"`
		Attributes bool           `asn1:"optional,tag:5"`
	}
	rest, err := asn1.Unmarshal(value, &p)
	return err != nil || len(rest) > 0 || p.Indirect || p.User || p.CA || p.Attributes || p.Reasons.BitLength > 0 ||
		len(p.Point.FullBytes) > 0
}

// CheckRevoked says whether one of a chain's certificates is revoked at a time by its issuer, in one of the lists.
// The known certificates are those that may have signed lists, besides the chain's. Lists of others do not matter.
//
// A list must be signed by its issuer, and at least one list of each issuer must be new enough to speak of the
// time. Where there is one by the key that signed the certificate, lists by other keys of that name are not enough: an
// authority that has got a new key speaks with it of what it signs with it. If that is proven, what was revoked later does not matter, unless the entry's invalidity date is earlier.
func CheckRevoked(chain, known []*x509.Certificate, lists []*x509.RevocationList, at Time) error {
	for i, c := range chain {
		issuer := chain[min(i+1, len(chain)-1)]
		var stale *x509.RevocationList
		own, fresh := false, false
		for _, l := range lists {
			if !bytes.Equal(l.RawIssuer, c.RawIssuer) {
				continue
			}
			if !signedByAny(l, chain, known) {
				return fmt.Errorf("revocation list of %q is not signed by the certificate of that name", DistinguishedName(l.RawIssuer))
			}
			if err := listed(c, l, at); err != nil {
				return err
			}
			switch by := l.CheckSignatureFrom(issuer) == nil; {
			case own && !by:
				continue
			case by && !own:
				own, fresh, stale = true, false, nil
			}
			if l.NextUpdate.IsZero() || !at.After(l.NextUpdate) {
				fresh = true
			} else {
				stale = l
			}
		}
		if stale != nil && !fresh {
			return fmt.Errorf("revocation list of %q, the issuer of %s, expired on %s; get the present one",
				DistinguishedName(stale.RawIssuer), Name(c), date(stale.NextUpdate))
		}
	}
	return nil
}

func signedByAny(l *x509.RevocationList, candidates ...[]*x509.Certificate) bool {
	for _, some := range candidates {
		for _, c := range some {
			if bytes.Equal(c.RawSubject, l.RawIssuer) && l.CheckSignatureFrom(c) == nil {
				return true
			}
		}
	}
	return false
}

func listed(c *x509.Certificate, l *x509.RevocationList, at Time) error {
	for _, e := range l.RevokedCertificateEntries {
		if e.SerialNumber.Cmp(c.SerialNumber) != 0 {
			continue
		}
		since := e.RevocationTime
		for _, ext := range e.Extensions {
			var compromised time.Time
			if ext.Id.Equal(oidInvalidityDate) {
				if _, err := asn1.UnmarshalWithParams(ext.Value, &compromised, "generalized"); err == nil && compromised.Before(since) {
					since = compromised
				}
			}
		}
		if at.Proven && at.Before(since) {
			return nil
		}
		return fmt.Errorf("%s was revoked on %s by %q, reason %s", Name(c), date(e.RevocationTime), DistinguishedName(l.RawIssuer), reason(e.ReasonCode))
	}
	return nil
}

// reason returns the name that RFC 5280, section 5.3.1, gives a reason code.
func reason(code int) string {
	names := []string{"unspecified", "keyCompromise", "cACompromise", "affiliationChanged", "superseded",
		"cessationOfOperation", "certificateHold", "", "removeFromCRL", "privilegeWithdrawn", "aACompromise"}
	if code >= 0 && code < len(names) && names[code] != "" {
		return names[code]
	}
	return strconv.Itoa(code)
}
