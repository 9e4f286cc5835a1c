package certs

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"strconv"
)

// Name returns what a message calls a certificate: its subject, quoted, since a stranger may have chosen it.
func Name(c *x509.Certificate) string { return "certificate " + strconv.QuoteToGraphic(Subject(c)) }

// Subject returns the distinguished name of the subject in the form of RFC 2253, or the first alternative name
// if there is no distinguished name, or else the serial number.
func Subject(c *x509.Certificate) string {
	switch {
	case len(c.Subject.Names) > 0:
		return DistinguishedName(c.RawSubject)
	case len(c.EmailAddresses) > 0:
		return c.EmailAddresses[0]
	case len(c.URIs) > 0:
		return c.URIs[0].String()
	case len(c.DNSNames) > 0:
		return c.DNSNames[0]
	}
	return "serial number " + c.SerialNumber.String()
}

// DistinguishedName returns a name, in DER, in the form of RFC 2253: all of its attributes, in their order.
// pkix.Name.String shows the last common name only, so a name with two of them would pass for one with the other.
func DistinguishedName(der []byte) string {
	var name pkix.RDNSequence
	if rest, err := asn1.Unmarshal(der, &name); err != nil || len(rest) > 0 {
		return "#" + hex.EncodeToString(der) // no name in RFC 2253 begins like this
	}
	return name.String()
}
