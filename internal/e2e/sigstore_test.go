//go:build unix

package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"google.golang.org/protobuf/proto"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/e2e"
	"github.com/modelsigning/modelsigning/internal/oidc"
	"github.com/modelsigning/modelsigning/internal/sigstore"
)

var statement = []byte(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"model","digest":{"sha256":"00"}}],"predicateType":"https://model_signing/signature/v1.0","predicate":{}}`)

var bothRekors = map[string]e2e.Options{"rekor v2": {}, "rekor v1": {RekorV1: true}}

// with is a token source of one token.
func with(token string) func(context.Context, string) (string, error) {
	return func(context.Context, string) (string, error) { return token, nil }
}

func newSigner(t testing.TB, config []byte, token func(context.Context, string) (string, error)) *sigstore.Signer {
	t.Helper()
	s, err := sigstore.NewSigner(sigstore.SignerOptions{Trust: sigstore.Trust{JSON: config}, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func signWith(t testing.TB, stack *e2e.Stack, token string) *bundle.Bundle {
	t.Helper()
	b, err := newSigner(t, stack.TrustConfigJSON, with(token)).Sign(t.Context(), statement)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newVerifier(t testing.TB, trust []byte, ids ...sigstore.Identity) *sigstore.Verifier {
	t.Helper()
	v, err := sigstore.NewVerifier(sigstore.Trust{JSON: trust}, sigstore.Policy{Identities: ids})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func personOf(stack *e2e.Stack) sigstore.Identity {
	return sigstore.Identity{Subject: "person@example.com", Issuer: stack.Issuer}
}

func TestSignAndVerify(t *testing.T) {
	for name, options := range bothRekors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack := e2e.Start(t, options)
			made := signWith(t, stack, stack.Token(e2e.Claims{}))
			data, err := made.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(data, []byte(`"logIndex":"0"`)) {
				t.Errorf("the reference cannot read the first entry of a log without its index: %s", data)
			}
			b, err := bundle.Parse(data)
			if err != nil {
				t.Fatalf("%v\n%s", err, data)
			}
			for kind, trust := range map[string][]byte{"trust config": stack.TrustConfigJSON, "trusted root": stack.TrustedRootJSON} {
				got, err := newVerifier(t, trust, personOf(stack)).Verify(t.Context(), b)
				if err != nil {
					t.Fatalf("%s: %v", kind, err)
				}
				if string(got.Statement) != string(statement) || got.Subject != "person@example.com" || got.Issuer != stack.Issuer {
					t.Errorf("verified %+v", got)
				}
				if d := time.Since(got.Time); d < 0 || d > time.Minute {
					t.Errorf("signed at %v", got.Time)
				}
				want := "timestamp authority " + stack.TSAURL
				if options.RekorV1 {
					want = "transparency log " + stack.Rekor.URL
				}
				if got.TimeSource != want {
					t.Errorf("time proven by %q, want %q", got.TimeSource, want)
				}
			}
			if _, err := newVerifier(t, stack.TrustedRootJSON, sigstore.Identity{Subject: "somebody@example.com", Issuer: stack.Issuer}).Verify(t.Context(), b); !errors.Is(err, sigstore.ErrIdentity) {
				t.Errorf("wrong identity: %v", err)
			}
			if _, err := newVerifier(t, stack.TrustedRootJSON, sigstore.Identity{Subject: "person@example.com", Issuer: stack.ActionsIssuer}).Verify(t.Context(), b); !errors.Is(err, sigstore.ErrIdentity) {
				t.Errorf("wrong issuer: %v", err)
			}
		})
	}
}

// Signing leaves no connection open, and nobody who waits for one.
func TestNothingLeft(t *testing.T) {
	for name, options := range bothRekors {
		t.Run(name, func(t *testing.T) {
			stack := e2e.Start(t, options)
			s := newSigner(t, stack.TrustConfigJSON, with(stack.Token(e2e.Claims{})))
			sign := func() {
				if _, err := s.Sign(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
			sign() // what is set up once for good
			before := runtime.NumGoroutine()
			for range 3 {
				sign()
			}
			deadline := time.Now().Add(5 * time.Second)
			for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
				time.Sleep(10 * time.Millisecond)
			}
			if after := runtime.NumGoroutine(); after > before {
				stacks := make([]byte, 1<<16)
				t.Errorf("%d goroutines, before %d:\n%s", after, before, stacks[:runtime.Stack(stacks, true)])
			}
		})
	}
}

// What a workflow's certificate says can be required.
func TestExtensions(t *testing.T) {
	stack := e2e.Start(t, e2e.Options{})
	b, err := newSigner(t, stack.TrustConfigJSON, func(ctx context.Context, issuer string) (string, error) {
		if issuer != stack.Issuer {
			t.Errorf("the signing configuration names the issuer %q, and we were told %q", stack.Issuer, issuer)
		}
		return oidc.Ambient{LookupEnv: actions(stack), Root: t.TempDir()}.Token(ctx)
	}).Sign(t.Context(), statement)
	if err != nil {
		t.Fatal(err)
	}
	id := sigstore.Identity{
		SubjectRegexp: `https://github\.com/example/model/\.github/workflows/.*`,
		Issuer:        stack.ActionsIssuer,
		Extensions: sigstore.Extensions{
			SourceRepositoryURI: "https://github.com/example/model",
			SourceRepositoryRef: "refs/heads/main",
			BuildTrigger:        "push",
		},
	}
	got, err := newVerifier(t, stack.TrustedRootJSON, id).Verify(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if got.Subject != e2e.WorkflowIdentity || got.Extensions.RunnerEnvironment != "github-hosted" {
		t.Errorf("verified %+v", got)
	}
	id.Extensions.SourceRepositoryRef = "refs/heads/dev"
	if _, err := newVerifier(t, stack.TrustedRootJSON, id).Verify(t.Context(), b); !errors.Is(err, sigstore.ErrIdentity) {
		t.Errorf("another branch: %v", err)
	}
}

func TestRefused(t *testing.T) {
	for name, options := range bothRekors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack, strangers := e2e.Start(t, options), e2e.Start(t, options)
			good := signWith(t, stack, stack.Token(e2e.Claims{}))
			other := signWith(t, stack, stack.Token(e2e.Claims{})).Proto()
			theirs := signWith(t, strangers, strangers.Token(e2e.Claims{Issuer: strangers.Issuer})).Proto()
			v := newVerifier(t, stack.TrustedRootJSON, personOf(stack))

			cases := map[string]struct {
				change func(p *protobundle.Bundle)
				want   error
			}{
				"nothing":     {func(*protobundle.Bundle) {}, nil},
				"payload":     {func(p *protobundle.Bundle) { p.GetDsseEnvelope().Payload[30] ^= 1 }, sigstore.ErrSignature},
				"no entry":    {func(p *protobundle.Bundle) { p.VerificationMaterial.TlogEntries = nil }, sigstore.ErrLog},
				"certificate": {func(p *protobundle.Bundle) { p.VerificationMaterial.Content = other.VerificationMaterial.Content }, sigstore.ErrSignature},
				"entry of another artifact": {func(p *protobundle.Bundle) {
					p.VerificationMaterial.TlogEntries = other.VerificationMaterial.TlogEntries
				}, sigstore.ErrLog},
				"entry of another log": {func(p *protobundle.Bundle) {
					p.VerificationMaterial.TlogEntries = theirs.VerificationMaterial.TlogEntries
				}, sigstore.ErrLog},
				"all of another instance": {func(p *protobundle.Bundle) { proto.Reset(p); proto.Merge(p, theirs) }, sigstore.ErrLog},
			}
			if !options.RekorV1 {
				type change = struct {
					change func(p *protobundle.Bundle)
					want   error
				}
				cases["no timestamp"] = change{func(p *protobundle.Bundle) { p.VerificationMaterial.TimestampVerificationData = nil }, sigstore.ErrTime}
				cases["timestamp of another"] = change{func(p *protobundle.Bundle) {
					p.VerificationMaterial.TimestampVerificationData = other.VerificationMaterial.TimestampVerificationData
				}, sigstore.ErrTime}
			}
			for name, test := range cases {
				t.Run(name, func(t *testing.T) {
					p := proto.CloneOf(good.Proto())
					test.change(p)
					e := p.GetDsseEnvelope()
					b := bundle.New(e.Payload, e.Signatures[0].Sig, p.VerificationMaterial)
					if _, err := v.Verify(t.Context(), b); !errors.Is(err, test.want) {
						t.Errorf("got error %v, want %v", err, test.want)
					}
				})
			}
		})
	}
}

// Tokens that Fulcio must not accept, which says so without repeating them.
func TestBadTokens(t *testing.T) {
	stack := e2e.Start(t, e2e.Options{})
	for name, token := range map[string]string{
		"expired":        stack.Token(e2e.Claims{Lifetime: -time.Hour}),
		"wrong audience": stack.Token(e2e.Claims{Audience: "somebody"}),
		"unknown issuer": stack.Token(e2e.Claims{Issuer: "http://127.0.0.1:1"}),
		"no email":       stack.Token(e2e.Claims{Extra: map[string]any{"email": nil}}),
		"not verified":   stack.Token(e2e.Claims{Extra: map[string]any{"email_verified": false}}),
		"altered":        stack.Token(e2e.Claims{}) + "x",
		"not a token":    "not-a-token",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newSigner(t, stack.TrustConfigJSON, with(token)).Sign(t.Context(), statement)
			named := new(sigstore.ServiceError)
			if !errors.As(err, &named) || named.Service != "Fulcio" || named.URL != stack.Fulcio.URL {
				t.Fatalf("got error %v", err)
			}
			for part := range strings.SplitSeq(token, ".") {
				if text := fmt.Sprintf("%v %+v", err, named); len(part) > 10 && strings.Contains(text, part) {
					t.Errorf("the error shows the token: %s", text)
				}
			}
			t.Log(err)
		})
	}
}

// What a signature takes besides hashing.
func BenchmarkSign(b *testing.B) {
	for name, options := range bothRekors {
		b.Run(name, func(b *testing.B) {
			stack := e2e.Start(b, options)
			s := newSigner(b, stack.TrustConfigJSON, with(stack.Token(e2e.Claims{})))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Sign(b.Context(), statement); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
