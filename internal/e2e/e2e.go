//go:build unix

package e2e

import (
	"context"
	"crypto/rsa"
	"fmt"
	"os"
	"testing"
)

// Options are the ways in which one Sigstore differs from another.
type Options struct {
	// RekorV1 asks for a transparency log of version 1. It proves the time of signing by itself, so the
	// signing configuration then names no timestamp authority.
	RekorV1 bool
}

// A Stack is a running Sigstore.
type Stack struct {
	// Issuer is the OpenID provider that certifies email addresses, for people, and ActionsIssuer the one
	// that certifies workflows, for machines. Both accept the client ID "sigstore".
	Issuer, ActionsIssuer string
	// MintURL with the bearer token MintToken answers as ACTIONS_ID_TOKEN_REQUEST_URL does in GitHub Actions.
	MintURL, MintToken string

	// TrustConfigJSON is a ClientTrustConfig that holds the other two, a TrustedRoot and a SigningConfig.
	TrustConfigJSON, TrustedRootJSON, SigningConfigJSON []byte

	// TSAChain are the certificates of the timestamp authority in PEM, leaf first.
	TSAChain []byte
	// TSAURL is where it takes requests.
	TSAURL string

	OIDC, CTLog, Fulcio, Rekor, TSA *Service

	dir      string
	oidcKey  *rsa.PrivateKey
	services []*Service
}

// Start runs a Sigstore until the test ends.
func Start(t testing.TB, o Options) *Stack {
	t.Helper()
	s, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			for _, service := range s.services {
				t.Logf("log of %s:\n%s", service.Name, service.tail())
			}
		}
		s.Close()
	})
	return s
}

// Run runs a Sigstore until Close. The context bounds the start only.
func Run(ctx context.Context, o Options) (*Stack, error) {
	if err := build(ctx); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "sigstore-")
	if err != nil {
		return nil, err
	}
	s := &Stack{dir: dir}
	if err := s.start(ctx, o); err != nil {
		for _, service := range s.services {
			err = fmt.Errorf("%w\nlog of %s:\n%s", err, service.Name, service.tail())
		}
		s.Close()
		return nil, fmt.Errorf("starting a private Sigstore: %w", err)
	}
	return s, nil
}

// Close ends every server. It may be called again.
func (s *Stack) Close() error {
	for _, service := range s.services {
		service.Stop()
	}
	return os.RemoveAll(s.dir)
}

func (s *Stack) start(ctx context.Context, o Options) error {
	keys, err := s.writeKeys()
	if err != nil {
		return err
	}
	s.oidcKey = keys.oidc
	for _, step := range []func() error{
		func() error { return s.startOIDC(ctx) },
		func() error { return s.startCTLog(ctx) },
		func() error { return s.startFulcio(ctx) }, // asks the OpenID provider for its keys
		func() error { return s.startRekor(ctx, o) },
		func() error { return s.startTSA(ctx) },
		func() error { return s.writeTrust(keys, o) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
