// Package timestamp gets RFC 3161 timestamps over signatures, and verifies them. As in Sigstore's bundles, the
// message that is stamped is the signature's bytes, and what is kept is the authority's whole response.
package timestamp

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"

	"github.com/digitorus/pkcs7"
	"github.com/modelsigning/modelsigning/internal/certs"
	"github.com/sigstore/timestamp-authority/v2/pkg/verification"
)

// Authorities are the timestamp authorities that a caller trusts.
type Authorities struct {
	roots, intermediates, leaves []*x509.Certificate
	// Revoked are the caller's revocation lists.
	Revoked []*x509.RevocationList
}

// NewAuthorities sorts the certificates of trusted authorities, in any order: the self-signed ones are roots, and
// there must be one. A leaf is only needed for authorities that do not send it.
func NewAuthorities(given []*x509.Certificate) (*Authorities, error) {
	a := new(Authorities)
	for _, c := range given {
		switch {
		case certs.IsSelfSigned(c):
			a.roots = append(a.roots, c)
		case c.IsCA:
			a.intermediates = append(a.intermediates, c)
		default:
			a.leaves = append(a.leaves, c)
		}
	}
	if len(a.roots) == 0 {
		return nil, errors.New("none of the certificates is self-signed, so none is the root of a timestamp authority")
	}
	return a, nil
}

// A Proof says that something existed at a time, and who vouches for that.
type Proof struct {
	Time time.Time
	// Authority is the subject of the certificate that signed the timestamp.
	Authority string
}

// ahead is how far the clock of an authority may be ahead of this one.
const ahead = 5 * time.Minute

// Verify verifies a response and that it is over signature.
func (a *Authorities) Verify(response, signature []byte) (Proof, error) {
	if err := CheckCost(response); err != nil {
		return Proof{}, err
	}
	// First with the certificate that the response holds, then with those that it may have left out.
	proof, err := a.verify(response, signature, nil)
	for _, leaf := range a.leaves {
		if err == nil {
			break
		}
		if p, e := a.verify(response, signature, leaf); e == nil {
			proof, err = p, nil
		}
	}
	return proof, err
}

func (a *Authorities) verify(response, signature []byte, leaf *x509.Certificate) (Proof, error) {
	ts, err := verification.VerifyTimestampResponse(response, bytes.NewReader(signature), verification.VerifyOpts{
		TSACertificate: leaf,
		Intermediates:  a.intermediates,
		Roots:          a.roots,
	})
	switch {
	case err != nil:
		return Proof{}, quoted(err)
	case ts.Time.After(time.Now().Add(ahead)):
		return Proof{}, fmt.Errorf("the time %s is in the future", ts.Time.UTC().Format(time.RFC3339))
	}
	token, err := pkcs7.Parse(ts.RawToken)
	if err != nil {
		return Proof{}, err
	}
	if leaf == nil {
		leaf = token.GetOnlySigner()
	}
	if err := a.checkRevoked(leaf, token.Certificates, ts.Time); err != nil {
		return Proof{}, err
	}
	return Proof{Time: ts.Time.UTC(), Authority: certs.Subject(leaf)}, nil
}

// quoted keeps what an authority writes into its answers from writing anything but one line to a log.
func quoted(err error) error { return fmt.Errorf("%.300q", err.Error()) }

// checkRevoked builds the chain once more, which the library keeps to itself. An authority whose certificate is
// revoked may have set its clock back, so the time that it states proves nothing here: the lists must be of now.
func (a *Authorities) checkRevoked(leaf *x509.Certificate, sent []*x509.Certificate, at time.Time) error {
	if len(a.Revoked) == 0 {
		return nil
	}
	given := append(sent[:len(sent):len(sent)], a.intermediates...)
	trust := certs.Trust{Given: given, Roots: x509.NewCertPool()}
	for _, c := range a.roots {
		trust.Roots.AddCert(c)
	}
	chain, err := trust.Verify(leaf, nil, certs.Time{Time: at})
	if err != nil {
		return err
	}
	return certs.CheckRevoked(chain, given, a.Revoked, certs.Time{Time: time.Now()})
}

// CheckCost refuses responses that it would take seconds to parse or to verify. It is for callers who have
// another verifier than [Authorities].
func CheckCost(response []byte) error {
	if err := checkDepth(response, 0); err != nil {
		return err
	}
	var r struct{ Status, Token asn1.RawValue }
	if _, err := asn1.Unmarshal(response, &r); err != nil {
		return nil // refused by the parser, which has an error for every status
	}
	token, err := pkcs7.Parse(r.Token.FullBytes)
	if err != nil {
		return err
	}
	// RFC 3161, section 2.4.2, wants one signature. The parser checks all that it finds before it asks whose they are.
	switch n, m := len(token.Signers), len(token.Certificates); {
	case n != 1:
		return fmt.Errorf("timestamp has %d signatures, not one", n)
	case m > maxCertificates:
		return fmt.Errorf("timestamp has %d certificates, more than the limit of %d", m, maxCertificates)
	}
	for _, c := range token.Certificates {
		if err := certs.CheckCost(c); err != nil {
			return err
		}
	}
	return nil
}

// maxCertificates is far above how many lead from an authority to its root.
const maxCertificates = 16

// maxDepth is far above how deep responses are nested.
const maxDepth = 32

// checkDepth refuses what is not DER, and what is nested so deep that the parser of PKCS #7, which copies at every
// level, would take long for it.
func checkDepth(der []byte, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("timestamp is nested deeper than %d levels", maxDepth)
	}
	for len(der) > 0 {
		var v asn1.RawValue
		rest, err := asn1.Unmarshal(der, &v)
		if err != nil {
			return fmt.Errorf("timestamp is not DER: %w", err)
		}
		if v.IsCompound {
			if err := checkDepth(v.Bytes, depth+1); err != nil {
				return err
			}
		}
		der = rest
	}
	return nil
}
