//go:build unix

package e2e_test

import (
	"context"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/sign"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/modelsigning/modelsigning/internal/e2e"
)

// The stack is good if sigstore-go alone can sign and verify with it.
func TestStack(t *testing.T) {
	for name, options := range map[string]e2e.Options{
		"rekor v2": {},
		"rekor v1": {RekorV1: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			stack := e2e.Start(t, options)
			t.Log("started in", time.Since(start))
			t.Run("email", func(t *testing.T) {
				signAndVerify(t, stack, stack.Token(e2e.Claims{}), "person@example.com", stack.Issuer)
			})
			t.Run("workflow", func(t *testing.T) {
				signAndVerify(t, stack, stack.WorkflowToken(e2e.Claims{}), e2e.WorkflowIdentity, stack.ActionsIssuer)
			})
		})
	}
}

func signAndVerify(t *testing.T, stack *e2e.Stack, token, identity, issuer string) {
	trustedRoot, err := root.NewTrustedRootFromJSON(stack.TrustedRootJSON)
	if err != nil {
		t.Fatal(err)
	}
	config, err := root.NewSigningConfigFromJSON(stack.SigningConfigJSON)
	if err != nil {
		t.Fatal(err)
	}
	keypair, err := sign.NewEphemeralKeypair(nil)
	if err != nil {
		t.Fatal(err)
	}
	rekor := config.RekorLogURLs()[0]
	opts := sign.BundleOptions{
		CertificateProvider:        sign.NewFulcio(&sign.FulcioOptions{BaseURL: config.FulcioCertificateAuthorityURLs()[0].URL}),
		CertificateProviderOptions: &sign.CertificateProviderOptions{IDToken: token},
		TransparencyLogs:           []sign.Transparency{sign.NewRekor(&sign.RekorOptions{BaseURL: rekor.URL, Version: rekor.MajorAPIVersion})},
		Context:                    t.Context(),
		TrustedRoot:                trustedRoot,
	}
	for _, tsa := range config.TimestampAuthorityURLs() {
		opts.TimestampAuthorities = append(opts.TimestampAuthorities, sign.NewTimestampAuthority(&sign.TimestampAuthorityOptions{URL: tsa.URL}))
	}
	content := &sign.DSSEData{Data: []byte(`{"_type":"https://in-toto.io/Statement/v1"}`), PayloadType: "application/vnd.in-toto+json"}
	pb, err := sign.Bundle(content, keypair, opts)
	if err != nil {
		t.Fatal(err)
	}

	b, err := bundle.NewBundle(pb)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := verify.NewVerifier(trustedRoot,
		verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1), verify.WithSignedCertificateTimestamps(1))
	if err != nil {
		t.Fatal(err)
	}
	who, err := verify.NewShortCertificateIdentity(issuer, "", identity, "")
	if err != nil {
		t.Fatal(err)
	}
	result, err := verifier.Verify(b, verify.NewPolicy(verify.WithoutArtifactUnsafe(), verify.WithCertificateIdentity(who)))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", *result.Signature.Certificate)
}

// A server that is stopped refuses, one that is suspended hangs, and one that is resumed answers again.
func TestServices(t *testing.T) {
	stack := e2e.Start(t, e2e.Options{})
	visit := func(d time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		_, err := e2e.Visit(ctx, stack.TSA.URL+"/ping")
		return err
	}
	if err := visit(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	stack.TSA.Suspend()
	if err := visit(300 * time.Millisecond); err == nil {
		t.Error("a suspended server answers")
	}
	stack.TSA.Resume()
	if err := visit(10 * time.Second); err != nil {
		t.Error(err)
	}
	stack.TSA.Stop()
	if err := visit(10 * time.Second); err == nil {
		t.Error("a stopped server answers")
	}
}
