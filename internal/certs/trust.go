package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Trust is whom the caller trusts to vouch for signers.
type Trust struct {
	// Roots are where chains may end. Nil are the operating system's.
	Roots *x509.CertPool
	// Given are the caller's certificates, roots or not. They may be parts of chains.
	Given []*x509.Certificate
	// CodeSigning asks for the extended key usage codeSigning along the chain.
	CodeSigning bool
	// Revoked are the caller's revocation lists.
	Revoked []*x509.RevocationList
}

// AddGiven adds certificates from the caller's files. The self-signed ones are roots, and with all, the others are,
// too. It reports whether there is a root among them.
func (t *Trust) AddGiven(certs []*x509.Certificate, all bool) (root bool) {
	t.Given = append(t.Given, certs...)
	for _, c := range certs {
		if !all && !IsSelfSigned(c) {
			continue
		}
		if !root && t.Roots == nil {
			t.Roots = x509.NewCertPool()
		} else if !root {
			t.Roots = t.Roots.Clone()
		}
		root = true
		t.Roots.AddCert(c)
	}
	return root
}

// A Time is when a certificate must be valid.
type Time struct {
	time.Time
	// Proven says that a timestamp vouches for it. If not, it is now, or a guess.
	Proven bool
}

// Verify returns a chain from the leaf to a root, all of it valid at that time and not revoked then. The bundle's
// authorities may be parts of it, and are not trusted.
func (t *Trust) Verify(leaf *x509.Certificate, authorities []*x509.Certificate, at Time) ([]*x509.Certificate, error) {
	chains, err := t.chains(leaf, authorities, at.Time)
	if err != nil {
		return nil, err
	}
	// Authorities certify each other, so there may be several chains, and one good one is enough.
	for _, chain := range chains {
		if e := CheckRevoked(chain, slices.Concat(t.Given, authorities), t.Revoked, at); e == nil {
			return chain, nil
		} else if err == nil {
			err = e
		}
	}
	return nil, err
}

// chains returns all chains whose keys are strong enough, and whose name constraints are known to be kept.
func (t *Trust) chains(leaf *x509.Certificate, authorities []*x509.Certificate, at time.Time) ([][]*x509.Certificate, error) {
	intermediates := x509.NewCertPool()
	for _, c := range slices.Concat(t.Given, authorities) {
		intermediates.AddCert(c)
	}
	usage := x509.ExtKeyUsageAny // CheckLeaf has its own rule
	if t.CodeSigning {
		usage = x509.ExtKeyUsageCodeSigning
	}
	chains, err := leaf.Verify(x509.VerifyOptions{
		Roots:         t.Roots,
		Intermediates: intermediates,
		CurrentTime:   at,
		KeyUsages:     []x509.ExtKeyUsage{usage},
	})
	if err != nil {
		return nil, explain(leaf, err)
	}
	strong := chains[:0]
	for _, chain := range chains {
		e := checkAuthorities(chain[1:])
		if e == nil {
			e = checkConstraints(chain)
		}
		if e == nil {
			strong = append(strong, chain)
		} else if err == nil {
			err = e
		}
	}
	if len(strong) == 0 {
		return nil, err
	}
	return strong, nil
}

func (t *Trust) chain(leaf *x509.Certificate, authorities []*x509.Certificate, at time.Time) ([]*x509.Certificate, error) {
	chains, err := t.chains(leaf, authorities, at)
	if err != nil {
		return nil, err
	}
	return chains[0], nil
}

func checkAuthorities(chain []*x509.Certificate) error {
	for _, c := range chain {
		if err := checkAuthority(c); err != nil {
			return err
		}
	}
	return nil
}

// explain says of which certificate crypto/x509 speaks.
func explain(leaf *x509.Certificate, err error) error {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	of := leaf
	switch {
	case errors.As(err, &invalid) && invalid.Cert != nil:
		of = invalid.Cert
	case errors.As(err, &unknown) && unknown.Cert != nil:
		return fmt.Errorf("no chain leads from %s, issued by %q, to a root that is trusted: %w",
			Name(unknown.Cert), DistinguishedName(unknown.Cert.RawIssuer), err)
	}
	return fmt.Errorf("%s: %w", Name(of), err)
}
