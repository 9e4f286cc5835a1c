package certs

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"slices"
)

var (
	oidNameConstraints = asn1.ObjectIdentifier{2, 5, 29, 30}
	oidEmailAddress    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}
)

// checkConstraints refuses a chain, leaf first, in which an authority has name constraints (RFC 5280, section 4.2.1.10) that
// crypto/x509 does not check: of names other than addresses, hosts and URIs, which it passes over unless they are
// critical, and those of addresses for addresses in a subject.
func checkConstraints(chain []*x509.Certificate) error {
	for i, c := range chain[1:] {
		email, err := constrainsEmail(c)
		if err != nil {
			return err
		}
		if !email {
			continue
		}
		for _, below := range chain[:i+1] {
			if address, ok := unlistedAddress(below); ok {
				return fmt.Errorf("%s has name constraints of addresses, and %s the address %.200q in its subject alone",
					Name(c), Name(below), address)
			}
		}
	}
	return nil
}

// constrainsEmail reports whether an authority has name constraints of addresses. It is an error if it has some that are not
// checked.
func constrainsEmail(c *x509.Certificate) (email bool, err error) {
	at := slices.IndexFunc(c.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(oidNameConstraints) })
	if at < 0 {
		return false, nil
	}
	type subtree struct {
		Base asn1.RawValue
		Min  int `asn1:"optional,tag:0"`
		Max  int `asn1:"optional,tag:1"`
	}
	var constraints struct {
		Permitted []subtree `asn1:"optional,tag:0"`
		Excluded  []subtree `asn1:"optional,tag:1"`
	}
	if rest, err := asn1.Unmarshal(c.Extensions[at].Value, &constraints); err != nil || len(rest) > 0 {
		return false, fmt.Errorf("%s: its name constraints can't be read", Name(c))
	}
	for _, s := range slices.Concat(constraints.Permitted, constraints.Excluded) {
		switch s.Base.Tag {
		case 1: // rfc822Name
			email = true
		case 2, 6, 7: // dNSName, uniformResourceIdentifier, iPAddress
		default:
			return false, fmt.Errorf("%s: its name constraints are of a kind that is not supported, such as directory names", Name(c))
		}
	}
	return email, nil
}

// unlistedAddress returns an address of electronic mail that the subject has and the alternative names have not.
func unlistedAddress(c *x509.Certificate) (address string, ok bool) {
	for _, a := range c.Subject.Names {
		if !a.Type.Equal(oidEmailAddress) {
			continue
		}
		if address, _ = a.Value.(string); !slices.Contains(c.EmailAddresses, address) {
			return address, true
		}
	}
	return "", false
}
