// Package certs reads X.509 certificates and says whether one may sign models, and whether a chain leads from it
// to somebody whom the caller trusts. crypto/x509 builds the chains; this package adds what the OMS format asks
// of the leaf, the strength of keys, and revocation.
package certs

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strconv"

	"github.com/modelsigning/modelsigning/internal/keys"
)

// ReadFiles reads the certificates of all files, each a PEM file of at least one, or a single one in DER.
func ReadFiles(names ...string) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for _, name := range names {
		data, err := keys.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
		some, err := parseFile(data)
		if err != nil {
			return nil, fmt.Errorf("certificate %s: %w", name, err)
		}
		all = append(all, some...)
	}
	return all, nil
}

func parseFile(data []byte) ([]*x509.Certificate, error) {
	blocks, err := pemBlocks(data, "CERTIFICATE")
	if err != nil {
		return nil, err
	}
	certs := make([]*x509.Certificate, len(blocks))
	for i, der := range blocks {
		if certs[i], err = x509.ParseCertificate(der); err != nil {
			return nil, fmt.Errorf("the %s in the file: %w", ordinal(i+1), err)
		}
	}
	return certs, nil
}

// pemBlocks returns the contents of the blocks of a type, or data itself if that is not PEM. Blocks of other types
// may stand among them, as in the files that web servers use.
func pemBlocks(data []byte, kind string) (blocks [][]byte, err error) {
	if len(data) > 0 && data[0] == 0x30 { // a SEQUENCE of DER
		return [][]byte{data}, nil
	}
	// pem.Decode passes over what it can't read, and nobody would notice what is missing from a chain.
	begun := bytes.Count(data, []byte("-----BEGIN "+kind+"-----"))
	other := ""
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type == kind {
			blocks = append(blocks, block.Bytes)
		} else {
			other = block.Type
		}
	}
	switch {
	case len(blocks) < begun:
		return nil, fmt.Errorf("only %d of %d PEM blocks can be read", len(blocks), begun)
	case len(blocks) == 0 && other != "":
		return nil, fmt.Errorf("holds a %.40q and no %q", other, kind)
	case len(blocks) == 0:
		return nil, fmt.Errorf("holds no PEM block %q", kind)
	}
	return blocks, nil
}

func ordinal(n int) string {
	switch n {
	case 1:
		return "1st"
	case 2:
		return "2nd"
	case 3:
		return "3rd"
	}
	return strconv.Itoa(n) + "th"
}

// ParseChain parses the certificates of a bundle: the first is the leaf, and the others, in any order, are
// authorities. What is there twice is returned once. None of them is to be trusted yet.
func ParseChain(ders [][]byte) (leaf *x509.Certificate, authorities []*x509.Certificate, err error) {
	certs := make([]*x509.Certificate, len(ders))
	for i, der := range ders {
		if certs[i], err = x509.ParseCertificate(der); err != nil {
			return nil, nil, fmt.Errorf("certificates[%d]: %w", i, err)
		}
		if err := CheckCost(certs[i]); err != nil {
			return nil, nil, fmt.Errorf("certificates[%d]: %w", i, err)
		}
	}
	if len(certs) == 0 {
		return nil, nil, errors.New("certificates: there is none")
	}
	authorities, err = others(certs[0], certs[1:])
	return certs[0], authorities, err
}

// CheckCost refuses keys with which it would take seconds to verify one signature. Certificates of strangers must
// pass before any signature is verified.
func CheckCost(c *x509.Certificate) error {
	if k, ok := c.PublicKey.(*rsa.PublicKey); ok && k.N.BitLen() > 8192 {
		return fmt.Errorf("%s: RSA keys of %d bits are not supported, only of 8192 and less", Name(c), k.N.BitLen())
	}
	return nil
}

// others returns the certificates but for the leaf and what is there twice. A second certificate that is not an
// authority's would let one reader believe in another signer than the next.
func others(leaf *x509.Certificate, certs []*x509.Certificate) (authorities []*x509.Certificate, err error) {
	for _, c := range certs {
		if c.Equal(leaf) || contains(authorities, c) {
			continue
		}
		if !isAuthority(c) {
			return nil, fmt.Errorf("%s is not an authority's, and %s is the signer's already", Name(c), Name(leaf))
		}
		authorities = append(authorities, c)
	}
	return authorities, nil
}

func contains(certs []*x509.Certificate, c *x509.Certificate) bool {
	for _, other := range certs {
		if c.Equal(other) {
			return true
		}
	}
	return false
}

// isAuthority reports whether a certificate claims to be an authority's. Version 1, of old roots, can't say so.
func isAuthority(c *x509.Certificate) bool {
	return c.BasicConstraintsValid && c.IsCA || c.Version < 3
}

// IsSelfSigned reports whether a certificate is signed with its own key. That its issuer has the same name as its
// subject does not say so: authorities give one name to several keys.
func IsSelfSigned(c *x509.Certificate) bool {
	return bytes.Equal(c.RawIssuer, c.RawSubject) &&
		c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}
