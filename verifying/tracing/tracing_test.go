package tracing_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/certtest"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
	"github.com/modelsigning/modelsigning/verifying/tracing"
)

// recorded is a tracer whose spans are kept.
func recorded(t *testing.T) (trace.TracerProvider, *tracetest.InMemoryExporter) {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	p := sdk.NewTracerProvider(sdk.WithSyncer(spans))
	t.Cleanup(func() { p.Shutdown(context.Background()) })
	return p, spans
}

// shape is a line for each span: its place, kind, status, and keys of attributes.
func shape(spans tracetest.SpanStubs) (lines []string) {
	names := map[trace.SpanID]string{}
	parent := map[trace.SpanID]trace.SpanID{}
	for _, s := range spans {
		names[s.SpanContext.SpanID()] = s.Name
		parent[s.SpanContext.SpanID()] = s.Parent.SpanID()
	}
	for _, s := range spans {
		line := ""
		for id := s.SpanContext.SpanID(); names[id] != ""; id = parent[id] {
			line = "/" + strings.TrimPrefix(names[id], "modelsigning.") + line
		}
		if s.SpanKind == trace.SpanKindClient {
			line += " client"
		}
		if s.Status.Code == codes.Error {
			line += " error"
		}
		for _, a := range s.Attributes {
			line += " " + strings.TrimPrefix(string(a.Key), "modelsigning.")
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

const hashed = " hash.serialization hash.algorithm hash.files hash.resources hash.bytes"

func TestSpans(t *testing.T) {
	p, spans := recorded(t)
	tracer := tracing.New(p)
	model, key := filepath.Join(t.TempDir(), "secret-name"), must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	check(t, os.Mkdir(model, 0o777))
	check(t, os.WriteFile(filepath.Join(model, "secret-file"), []byte("12345"), 0o666))
	sig := filepath.Join(t.TempDir(), "model.sig")
	tsa := certtest.NewTSA(t)
	address := strings.Replace(tsa.Serve(t), "http://", "http://user:password@", 1)

	ctx, outer := p.Tracer("test").Start(t.Context(), "mine")
	sign := signing.Config().SetTracer(tracer).UseEllipticKeySigner(signing.EllipticKey{Key: key}).
		SetTimestampAuthority(signing.TimestampAuthority{URL: address})
	check(t, sign.SignContext(ctx, model, sig))
	outer.End()
	want := []string{"/mine", "/mine/sign", "/mine/sign/hash" + hashed, "/mine/sign/sign_statement statement.size method",
		"/mine/sign/timestamp_authority client server.address", "/mine/sign/timestamp_authority client server.address"}
	if got := shape(spans.GetSpans()); !slices.Equal(got, want) {
		t.Errorf("signing:\n got %q\nwant %q", got, want)
	}
	secretless(t, spans.GetSpans())
	for _, s := range spans.GetSpans() {
		if s.Name == "modelsigning.hash" && !slices.Contains(s.Attributes, attribute.Int64("modelsigning.hash.bytes", 5)) {
			t.Errorf("got %v", s.Attributes)
		}
	}

	verify := verifying.Config().SetTracer(tracer).UseAny(
		verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{
			Key: key.Public(), TSACertificateChain: []string{certtest.Files(t, tsa.Root)},
		}))
	dst := filepath.Join(t.TempDir(), "copy")
	whole := []string{"/verify", "/verify/hash" + hashed, "/verify/verify_signature method key"}
	signature := []string{"/verify", "/verify/verify_signature method key"}
	for name, c := range map[string]struct {
		want []string
		call func() error
	}{
		"verify":    {whole, func() error { return second(verify.VerifyContext(t.Context(), model, sig)) }},
		"copy":      {whole, func() error { return second(verify.CopyContext(t.Context(), model, sig, dst)) }},
		"threshold": {whole, func() error { return second(verify.VerifyThreshold(t.Context(), model, 1, sig)) }},
		"open":      {signature, func() error { return second(verify.OpenModel(t.Context(), model, sig)) }},
		"provenance": {[]string{"/verify error", signature[1]}, func() error {
			b, err := bundle.ReadFile(sig)
			if err == nil {
				_, _ = verify.OpenProvenance(t.Context(), b, verifying.ProvenancePolicy{BuilderID: "x"}) // which it is not
			}
			return err
		}},
	} {
		spans.Reset()
		check(t, c.call())
		if got := shape(spans.GetSpans()); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", name, got, c.want)
		}
		secretless(t, spans.GetSpans())
	}
}

// secretless sees that no attribute has what is in the names, or in the address.
func secretless(t *testing.T, spans tracetest.SpanStubs) {
	t.Helper()
	for _, s := range spans {
		text := fmt.Sprint(s.Name, s.Attributes)
		if strings.Contains(text, "secret") || strings.Contains(text, "password") || strings.Contains(text, "user") {
			t.Errorf("got %s", text)
		}
	}
}

// Errors are recorded where they happen and in all above, and are those that the caller gets.
func TestErrors(t *testing.T) {
	p, spans := recorded(t)
	model := t.TempDir()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	config := signing.Config().SetTracer(tracing.New(p)).UseEllipticKeySigner(signing.EllipticKey{Key: key})
	err := config.Sign(model, filepath.Join(t.TempDir(), "sig")) // empty
	got := shape(spans.GetSpans())
	if err == nil || !slices.Equal(got, []string{"/sign error", "/sign/hash" + hashed}) {
		t.Errorf("got %q, %v", got, err)
	}
	spans.Reset()
	failed := errors.New("it failed")
	check(t, os.WriteFile(filepath.Join(model, "a"), nil, 0o666))
	err = config.UseEllipticKeySigner(signing.EllipticKey{Key: key}).
		SetTimestampAuthority(signing.TimestampAuthority{URL: "http://127.0.0.1:1/?token=hidden"}).Sign(model, filepath.Join(t.TempDir(), "sig"))
	got = shape(spans.GetSpans())
	if err == nil || !slices.Equal(got, []string{"/sign error", "/sign/timestamp_authority client error server.address"}) {
		t.Errorf("got %q, %v", got, err)
	}
	for _, s := range spans.GetSpans() {
		if s.Status.Description == "" || len(s.Events) != 1 || strings.Contains(fmt.Sprint(s), "hidden") {
			t.Errorf("got %+v", s)
		}
	}
	spans.Reset()
	_, end := tracing.New(p).Start(t.Context(), "x")
	end(failed)
	if s := spans.GetSpans(); len(s) != 1 || s[0].Status.Description != failed.Error() {
		t.Errorf("got %+v", s)
	}
}

func TestNobodyListens(t *testing.T) {
	ctx := t.Context()
	for _, tracer := range []tracing.Tracer{{}, tracing.New(nil)} {
		got, end := tracer.Start(ctx, "x")
		end(errors.New("failed"))
		if got != ctx {
			t.Error("the context is another")
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func second[T any](_ T, err error) error { return err }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
