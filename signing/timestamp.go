package signing

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/certs"
	"github.com/modelsigning/modelsigning/internal/timestamp"
)

// A TimestampAuthority is a service that states when a signature was there (RFC 3161), so that it can be verified
// when the signer's certificate has expired. The zero value is none.
type TimestampAuthority struct {
	// URL is where the service takes requests, http or https.
	URL string
	// CertificateChain are the paths of files with the authority's certificates: PEM, each of any number, or a
	// single one in DER. If there are any, a timestamp that does not verify with them is an error at once, and
	// not first for those who verify.
	CertificateChain []string
	// Client makes the requests. Nil is one that uses no proxy. No request takes longer than 30 seconds.
	Client *http.Client
}

// SetTimestampAuthority has every signature stamped by an authority, whatever signs: a key, a certificate or a
// [Signer] of the caller's, but not Sigstore, which has its own. The authority is asked twice for each model: once
// before hashing, since later is too late to learn that it does not answer. It sees hashes of signatures, and
// nothing of the model. Those who verify must trust the authority, or they can't accept the signature.
func (c Configuration) SetTimestampAuthority(o TimestampAuthority) Configuration {
	c.timestamps, c.timestampsErr = newTimestamps(o)
	return c
}

func newTimestamps(o TimestampAuthority) (*timestamp.Service, error) {
	if o.URL == "" {
		if len(o.CertificateChain) > 0 {
			return nil, errors.New("timestamp authority: there is a certificate chain, and no URL")
		}
		return nil, nil
	}
	s, err := timestamp.NewService(o.URL, o.Client)
	if err != nil {
		return nil, fmt.Errorf("timestamp authority: %w", err)
	}
	given, err := certs.ReadFiles(o.CertificateChain...)
	if err == nil && len(given) > 0 {
		s.Trusted, err = timestamp.NewAuthorities(given)
	}
	if err != nil {
		return nil, fmt.Errorf("timestamp authority: %w", err)
	}
	return s, nil
}

var errOwnTimestamps = errors.New("signatures of Sigstore have timestamps of their own: set no timestamp authority")

// ownTimestamps is a Signer whose bundles are complete.
type ownTimestamps interface{ ownTimestamps() }

func (c Configuration) probeTimestamps(ctx context.Context) error {
	if c.timestamps == nil {
		return nil
	}
	if _, ok := c.signer.(ownTimestamps); ok {
		return errOwnTimestamps
	}
	_, _, err := c.timestamps.Timestamp(ctx, []byte(rand.Text()))
	return err
}

func (c Configuration) addTimestamp(ctx context.Context, b *bundle.Bundle) (*bundle.Bundle, error) {
	if b.Method() == bundle.Sigstore {
		return nil, errOwnTimestamps
	}
	response, at, err := c.timestamps.Timestamp(ctx, b.Signature())
	if err != nil {
		return nil, err
	}
	if b.Method() == bundle.Certificate {
		leaf, _, err := certs.ParseChain(b.Certificates())
		if err != nil {
			return nil, err
		}
		if err := checkTime(leaf, at); err != nil {
			return nil, fmt.Errorf("%w, by the timestamp authority's clock", err)
		}
	}
	return b.AddTimestamp(response)
}
