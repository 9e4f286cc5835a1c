//go:build !nosigstore

package sigstore

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// The statement is compared with the model by package verifying, which is why no artifact is given here.
var anySigner = verify.NewPolicy(verify.WithoutArtifactUnsafe(), verify.WithoutIdentitiesUnsafe())

func (p Policy) build() (verify.PolicyBuilder, error) {
	if p.UnsafeAnySigner {
		if len(p.Identities) > 0 {
			return verify.PolicyBuilder{}, errors.New("it names identities and accepts any signer")
		}
		return anySigner, nil
	}
	if len(p.Identities) == 0 {
		return verify.PolicyBuilder{}, errors.New("it names no identity")
	}
	var options []verify.PolicyOption
	for _, id := range p.Identities {
		condition, err := id.build()
		if err != nil {
			return verify.PolicyBuilder{}, err
		}
		options = append(options, verify.WithCertificateIdentity(condition))
	}
	return verify.NewPolicy(verify.WithoutArtifactUnsafe(), options...), nil
}

func (id Identity) build() (c verify.CertificateIdentity, err error) {
	switch {
	case (id.Subject == "") == (id.SubjectRegexp == ""):
		return c, errors.New("an identity needs a subject, either exactly or as a regular expression")
	case (id.Issuer == "") == (id.IssuerRegexp == ""):
		return c, errors.New("an identity needs an issuer, either exactly or as a regular expression")
	case id.Extensions.Issuer != "":
		return c, errors.New("the issuer is not a condition on extensions")
	}
	subjectRegexp, err := anchored(id.SubjectRegexp)
	if err != nil {
		return c, fmt.Errorf("subject: %w", err)
	}
	subject, err := verify.NewSANMatcher(id.Subject, subjectRegexp)
	if err != nil {
		return c, err
	}
	issuerRegexp, err := anchored(id.IssuerRegexp)
	if err != nil {
		return c, fmt.Errorf("issuer: %w", err)
	}
	issuer, err := verify.NewIssuerMatcher(id.Issuer, issuerRegexp)
	if err != nil {
		return c, err
	}
	return verify.NewCertificateIdentity(subject, issuer, certificate.Extensions(id.Extensions))
}

// anchored makes an expression match all of a string or nothing: alice@example.com is not
// malice@example.com.evil. It is compiled by itself first, or `a)|(b` would get out of the group.
func anchored(expr string) (string, error) {
	if expr == "" {
		return "", nil
	}
	if _, err := regexp.Compile(expr); err != nil {
		return "", err
	}
	return `\A(?:` + expr + `)\z`, nil
}
