package verifying

import (
	"crypto/x509"
	"fmt"
	"time"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/certs"
	"github.com/modelsigning/modelsigning/internal/timestamp"
)

// A proof says when a signature existed, and what proves it. The zero value is none.
type proof struct {
	time   time.Time
	source string
}

type timestampVerifier struct{ authorities *timestamp.Authorities } // nil: none is trusted

func newTimestampVerifier(files []string, given []*x509.Certificate, revoked []*x509.RevocationList) (timestampVerifier, error) {
	some, err := certs.ReadFiles(files...)
	if err != nil {
		return timestampVerifier{}, fmt.Errorf("timestamp authority: %w", err)
	}
	if some = append(some, given...); len(some) == 0 {
		return timestampVerifier{}, nil
	}
	a, err := timestamp.NewAuthorities(some)
	if err != nil {
		return timestampVerifier{}, fmt.Errorf("timestamp authority: %w", err)
	}
	a.Revoked = revoked
	return timestampVerifier{a}, nil
}

// verify verifies all timestamps of a bundle, and returns the earliest: by then the signature was there.
func (v timestampVerifier) verify(b *bundle.Bundle) (first proof, err error) {
	for i, response := range b.Timestamps() {
		if v.authorities == nil {
			return proof{}, fmt.Errorf("%w: the signature has one, and no timestamp authority is trusted: give the TSA certificate chain", ErrTimestamp)
		}
		p, err := v.authorities.Verify(response, b.Signature())
		if err != nil {
			return proof{}, fmt.Errorf("%w: rfc3161Timestamps[%d]: %w", ErrTimestamp, i, err)
		}
		if first.time.IsZero() || p.Time.Before(first.time) {
			first = proof{p.Time, "timestamp of " + p.Authority}
		}
	}
	return first, nil
}
