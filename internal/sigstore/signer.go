//go:build !nosigstore

package sigstore

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/sign"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/oidc"
	"github.com/modelsigning/modelsigning/internal/timestamp"
	"github.com/modelsigning/modelsigning/internal/transport"
)

// A Signer signs with one instance of Sigstore. It may be used by many goroutines if its token function may.
type Signer struct {
	source *source
	token  func(ctx context.Context, issuer string) (string, error)
}

// NewSigner returns a signer. It reads nothing but its options.
func NewSigner(o SignerOptions) (*Signer, error) {
	if o.Token == nil {
		return nil, errors.New("no source of identity tokens")
	}
	s, err := newSource(o.Trust, true)
	if err != nil {
		return nil, err
	}
	return &Signer{s, o.Token}, nil
}

// Check finds out whether the instance is known and what it needs is configured. It asks no server but TUF's.
func (s *Signer) Check(ctx context.Context) error {
	m, err := s.source.get(ctx)
	if err != nil {
		return err
	}
	_, err = choose(m.config)
	return err
}

// Sign signs a statement and verifies the signature as [Verifier] would, so that an instance that is not what
// its trusted root says is found out now. Errors of servers are [*ServiceError].
func (s *Signer) Sign(ctx context.Context, statement []byte) (*bundle.Bundle, error) {
	m, err := s.source.get(ctx)
	if err != nil {
		return nil, err
	}
	services, err := choose(m.config)
	if err != nil {
		return nil, err
	}
	services.proxy = s.source.trust.Proxy
	token, err := s.fetchToken(ctx, services.issuer)
	if err != nil {
		return nil, err
	}
	b, err := services.sign(ctx, statement, token)
	if err != nil {
		return nil, err
	}
	v := &Verifier{source: s.source, policy: anySigner}
	if _, err := v.verify(ctx, m, b); err != nil {
		return nil, fmt.Errorf("the new signature does not verify: %w", err)
	}
	return b, nil
}

// services are those of the signing configuration that this signature uses.
type services struct {
	issuer, fulcio string
	rekor, tsa     []root.Service
	proxy          transport.Proxy
}

func choose(c *root.SigningConfig) (s services, err error) {
	now := time.Now()
	fulcio, err := root.SelectService(c.FulcioCertificateAuthorityURLs(), sign.FulcioAPIVersions, now)
	if err != nil {
		return s, fmt.Errorf("signing configuration: Fulcio: %w", err)
	}
	s.fulcio = strings.TrimSuffix(fulcio.URL, "/")
	s.rekor, err = root.SelectServices(c.RekorLogURLs(), c.RekorLogURLsConfig(), sign.RekorAPIVersions, now)
	if err != nil {
		return s, fmt.Errorf("signing configuration: Rekor: %w", err)
	}
	if len(c.TimestampAuthorityURLs()) > 0 {
		s.tsa, err = root.SelectServices(c.TimestampAuthorityURLs(), c.TimestampAuthorityURLsConfig(),
			sign.TimestampAuthorityAPIVersions, now)
		if err != nil {
			return s, fmt.Errorf("signing configuration: timestamp authority: %w", err)
		}
	}
	if issuer, err := root.SelectService(c.OIDCProviderURLs(), []uint32{1}, now); err == nil {
		s.issuer = issuer.URL
	}
	return s, nil
}

func (s services) sign(ctx context.Context, statement []byte, token string) (*bundle.Bundle, error) {
	key, err := sign.NewEphemeralKeypair(nil)
	if err != nil {
		return nil, err
	}
	var cert []byte
	err = call(ctx, "modelsigning.fulcio", "Fulcio", s.fulcio, func(ctx context.Context) (err error) {
		if cert, err = s.certify(ctx, key, token); err != nil {
			err = fmt.Errorf("%w (%s)", err, oidc.Describe(token))
		}
		return err
	}, token)
	if err != nil {
		return nil, err
	}
	sig, _, err := key.SignData(ctx, bundle.PAE(statement))
	if err != nil {
		return nil, err
	}
	b := bundle.New(statement, sig, &protobundle.VerificationMaterial{
		Content: &protobundle.VerificationMaterial_Certificate{
			Certificate: &protocommon.X509Certificate{RawBytes: cert},
		},
	})
	for _, tsa := range s.tsa {
		err := call(ctx, "modelsigning.timestamp_authority", "timestamp authority", tsa.URL, func(ctx context.Context) error {
			return s.stamp(ctx, tsa.URL, b)
		})
		if err != nil {
			return nil, err
		}
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	for _, rekor := range s.rekor {
		err := call(ctx, "modelsigning.rekor", "Rekor", rekor.URL, func(ctx context.Context) error {
			return s.record(ctx, rekor, certPEM, b)
		})
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (s services) certify(ctx context.Context, key sign.Keypair, token string) ([]byte, error) {
	fulcio := sign.NewFulcio(&sign.FulcioOptions{
		BaseURL: s.fulcio, Timeout: -1, Transport: newClient(ctx, s.proxy, maxAnswer, true).Transport,
	})
	return fulcio.GetCertificate(ctx, key, &sign.CertificateProviderOptions{IDToken: token})
}

func (s services) stamp(ctx context.Context, url string, b *bundle.Bundle) error {
	tsa := sign.NewTimestampAuthority(&sign.TimestampAuthorityOptions{
		URL: url, Timeout: -1, Transport: stampTransport{newClient(ctx, s.proxy, timestamp.MaxResponse, true).Transport},
	})
	timestamp, err := tsa.GetTimestamp(ctx, b.Signature())
	if err != nil {
		return err
	}
	m := b.Proto().GetVerificationMaterial()
	if m.TimestampVerificationData == nil {
		m.TimestampVerificationData = new(protobundle.TimestampVerificationData)
	}
	stamps := &m.TimestampVerificationData.Rfc3161Timestamps
	*stamps = append(*stamps, &protocommon.RFC3161SignedTimestamp{SignedTimestamp: timestamp})
	return nil
}

func (s services) record(ctx context.Context, rekor root.Service, cert []byte, b *bundle.Bundle) error {
	o := &sign.RekorOptions{Version: rekor.MajorAPIVersion, Timeout: requestTimeout}
	switch o.Version {
	case 2:
		o.ClientV2 = rekorV2{rekor.URL, s.proxy}
	default:
		c, err := newRekorV1(ctx, s.proxy, rekor.URL)
		if err != nil {
			return err
		}
		o.Client = c
	}
	return sign.NewRekor(o).GetTransparencyLogEntry(ctx, cert, b.Proto())
}
