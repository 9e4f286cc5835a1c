//go:build !nosigstore

package sigstore

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	sgbundle "github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/timestamp"
)

// A Verifier checks signatures of one instance of Sigstore against one policy. It may be used by many
// goroutines, and has none of its own. It fetches the trusted root when it is first needed, if that was not
// given, and again when it is old; a call that is cancelled while it fetches leaves that to the next.
type Verifier struct {
	source *source
	policy verify.PolicyBuilder
}

// NewVerifier returns a verifier. It reads nothing but its arguments.
func NewVerifier(t Trust, p Policy) (*Verifier, error) {
	policy, err := p.build()
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	s, err := newSource(t, false)
	if err != nil {
		return nil, err
	}
	return &Verifier{s, policy}, nil
}

// Verify checks everything but the statement's content. Errors are [*Error], [*ServiceError], or ctx.Err().
func (v *Verifier) Verify(ctx context.Context, b *bundle.Bundle) (*Verified, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m, err := v.source.get(ctx)
	if err != nil {
		return nil, err
	}
	return v.verify(ctx, m, b)
}

func (v *Verifier) verify(ctx context.Context, m *material, b *bundle.Bundle) (*Verified, error) {
	if got := b.Method(); got != bundle.Sigstore {
		return nil, &Error{ErrCertificate, fmt.Errorf("the signature is by %s, not by Sigstore", got)}
	}
	if err := checkCost(ctx, b.Timestamps()); err != nil {
		return nil, err
	}
	entity, err := sgbundle.NewBundle(b.Proto())
	if err != nil {
		return nil, &Error{bundle.ErrMalformed, err}
	}
	options := []verify.VerifierOption{
		verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1), verify.WithoutStatementPredicate(),
	}
	if len(m.root.CTLogs()) > 0 { // a private instance may have none
		options = append(options, verify.WithSignedCertificateTimestamps(1))
	}
	trusted := &recorder{TrustedRoot: m.root}
	verifier, err := verify.NewVerifier(trusted, options...)
	if err != nil {
		return nil, err
	}
	result, err := verifier.Verify(entity, v.policy)
	if err != nil {
		return nil, classify(verifier, trusted, entity, err)
	}
	if err := checkStamps(ctx, m.root, b); err != nil {
		return nil, err
	}
	if err := checkKinds(b); err != nil {
		return nil, err
	}
	earliest := slices.MinFunc(result.VerifiedTimestamps, func(a, b verify.TimestampVerificationResult) int {
		return a.Timestamp.Compare(b.Timestamp)
	})
	summary := result.Signature.Certificate
	return &Verified{
		Statement:    b.UnverifiedStatement(), // of the message that entity is
		Subject:      summary.SubjectAlternativeName,
		Issuer:       summary.Issuer,
		Extensions:   Extensions(summary.Extensions),
		Certificates: trusted.chain,
		Time:         earliest.Timestamp,
		TimeSource:   timeSource(earliest),
	}, nil
}

// checkCost goes before sigstore-go, which parses every timestamp, trusted or not, and hears of no context.
func checkCost(ctx context.Context, stamps [][]byte) error {
	for i, stamp := range stamps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := timestamp.CheckCost(stamp); err != nil {
			return &Error{ErrTime, fmt.Errorf("timestamp %d of %d: %w", i+1, len(stamps), err)}
		}
	}
	return ctx.Err()
}

// checkStamps refuses a timestamp that does not verify. sigstore-go ignores it where the log says the time already,
// and then what looks like the word of an authority would be nobody's.
func checkStamps(ctx context.Context, trusted *root.TrustedRoot, b *bundle.Bundle) error {
	stamps := b.Timestamps()
	for i, stamp := range stamps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := checkStamp(trusted.TimestampingAuthorities(), stamp, b.Signature()); err != nil {
			return &Error{ErrTime, fmt.Errorf("timestamp %d of %d: %w", i+1, len(stamps), err)}
		}
	}
	return nil
}

func checkStamp(authorities []root.TimestampingAuthority, stamp, signature []byte) error {
	if len(authorities) == 0 {
		return errors.New("the trusted root has no timestamp authority")
	}
	var errs []error
	for _, a := range authorities {
		_, err := a.Verify(stamp, signature)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func timeSource(t verify.TimestampVerificationResult) string {
	if t.Type == "Tlog" {
		return "transparency log " + t.URI
	}
	return "timestamp authority " + t.URI
}

// A recorder is a trusted root that remembers the chain it was found to vouch for, in one verification.
type recorder struct {
	*root.TrustedRoot
	chain []*x509.Certificate
}

func (r *recorder) FulcioCertificateAuthorities() []root.CertificateAuthority {
	all := slices.Clone(r.TrustedRoot.FulcioCertificateAuthorities())
	for i, ca := range all {
		all[i] = recordingAuthority{ca, r}
	}
	return all
}

type recordingAuthority struct {
	root.CertificateAuthority
	to *recorder
}

func (a recordingAuthority) Verify(cert *x509.Certificate, at time.Time) ([][]*x509.Certificate, error) {
	chains, err := a.CertificateAuthority.Verify(cert, at)
	if err == nil && len(chains) > 0 {
		a.to.chain = chains[0]
	}
	return chains, err
}

// classify finds out which of the checks failed, by doing them again one by one, since sigstore-go says so in
// words only. The signature comes first: where the statement was changed, its log entry does not fit either.
func classify(v *verify.Verifier, trusted root.TrustedMaterial, entity *sgbundle.Bundle, err error) error {
	signature, err1 := entity.SignatureContent()
	content, err2 := entity.VerificationContent()
	if err := errors.Join(err1, err2); err != nil {
		return &Error{bundle.ErrMalformed, err}
	}
	if other := new(verify.ErrNoMatchingCertificateIdentity); errors.As(err, &other) {
		summary, err := certificate.SummarizeCertificate(content.Certificate())
		if err != nil {
			return &Error{ErrCertificate, err}
		}
		text := fmt.Sprintf("by %q, for whom %q vouches", summary.SubjectAlternativeName, summary.Issuer)
		for _, mismatch := range other.Unwrap() {
			text += "; " + mismatch.Error()
		}
		return &Error{ErrIdentity, errors.New(text)}
	}
	if err := verify.VerifySignature(signature, content, trusted); err != nil {
		return &Error{ErrSignature, err}
	}
	times, logErr := v.VerifyTransparencyLogInclusion(entity)
	if logErr != nil {
		if !knowsLog(trusted, entity) {
			logErr = fmt.Errorf("%w: no entry is of a log that the trusted root has", logErr)
		}
		return &Error{ErrLog, logErr}
	}
	if _, err := v.VerifyObserverTimestamps(entity, times); err != nil {
		// The text of sigstore-go then ends in an error that is nil.
		if stamps, e := entity.Timestamps(); e == nil && len(stamps)+len(times) == 0 {
			err = errors.New("the bundle has no timestamp, and nothing else says when it was signed")
		}
		return &Error{ErrTime, err}
	}
	return &Error{ErrCertificate, err}
}

// knowsLog says whether an entry, if there is one, is of a log that is trusted.
func knowsLog(trusted root.TrustedMaterial, entity *sgbundle.Bundle) bool {
	entries, err := entity.TlogEntries()
	if err != nil || len(entries) == 0 {
		return true
	}
	logs := trusted.RekorLogs() // by the hexadecimal form of the key's number
	return slices.ContainsFunc(entries, func(e *tlog.Entry) bool {
		return logs[hex.EncodeToString([]byte(e.LogKeyID()))] != nil
	})
}
