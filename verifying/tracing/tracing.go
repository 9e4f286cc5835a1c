// Package tracing shows where the time of signing and verifying goes, through OpenTelemetry.
//
//	tracer := tracing.New(provider)
//	config := verifying.Config().SetTracer(tracer)
//
// It is a package of its own so that programs that don't trace need not link OpenTelemetry. Those that are built without
// the tag nosigstore do all the same, since Sigstore's client brings it. For package signing it does the same.
//
// # Spans
//
// A call that signs or verifies is a span, "modelsigning.sign" or "modelsigning.verify", and these are below it, each
// as often as it happens:
//
//	modelsigning.hash                 a model is listed and hashed
//	modelsigning.verify_signature     a verifier verifies a bundle
//	modelsigning.sign_statement       a signer signs, with all that it asks others for
//	modelsigning.identity_token       an identity token for Sigstore is fetched, perhaps from a person
//	modelsigning.fulcio               Sigstore's authority certifies a key
//	modelsigning.rekor                a transparency log records a signature
//	modelsigning.timestamp_authority  an authority states the time
//	modelsigning.tuf                  an instance of Sigstore is described by its TUF repository
//
// A span whose context was made by the caller's own tracer is below the caller's span. Models whose bytes pass, as
// with verifying.Receive and signing.Record, have no span of their own, and none for hashing.
//
// # Attributes
//
//	modelsigning.method                     key, certificate or sigstore
//	modelsigning.key                        the fingerprint of the key that signed
//	modelsigning.statement.size             bytes
//	modelsigning.hash.serialization         files or shards
//	modelsigning.hash.algorithm             sha256, blake2b or blake3
//	modelsigning.hash.files                 how many
//	modelsigning.hash.resources             how many digests
//	modelsigning.hash.bytes                 the size of all files
//	server.address                          the host that is asked; such spans are of kind client
//
// No attribute has a token, a name of a person or a file, or more of an address than its host. Errors are recorded,
// and say what the error that is returned says: the names of files that are wrong, and of who signed.
package tracing

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Name is that of the tracer that a provider is asked for.
const Name = "github.com/modelsigning/modelsigning"

// A Tracer makes spans of OpenTelemetry. It is a tracer for package signing and for package verifying, immutable, and
// may be used by many goroutines. The zero value makes none.
type Tracer struct{ tracer trace.Tracer }

// New returns a tracer that makes its spans with p. With nil it makes none.
func New(p trace.TracerProvider) Tracer {
	if p == nil {
		return Tracer{}
	}
	return Tracer{p.Tracer(Name)}
}

// Start begins a span below that of ctx, and returns the context of the new one and the function that ends it.
func (t Tracer) Start(ctx context.Context, name string, attrs ...slog.Attr) (context.Context, func(err error, attrs ...slog.Attr)) {
	if t.tracer == nil {
		return ctx, func(error, ...slog.Attr) {}
	}
	kind := trace.SpanKindInternal
	for _, a := range attrs {
		if a.Key == "server.address" {
			kind = trace.SpanKindClient
		}
	}
	ctx, span := t.tracer.Start(ctx, name, trace.WithSpanKind(kind), trace.WithAttributes(attributes(attrs)...))
	return ctx, func(err error, attrs ...slog.Attr) {
		span.SetAttributes(attributes(attrs)...)
		if err != nil {
			span.RecordError(err)
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
}

func attributes(attrs []slog.Attr) []attribute.KeyValue {
	kv := make([]attribute.KeyValue, len(attrs))
	for i, a := range attrs {
		if a.Value.Kind() == slog.KindInt64 {
			kv[i] = attribute.Int64(a.Key, a.Value.Int64())
		} else {
			kv[i] = attribute.String(a.Key, a.Value.String())
		}
	}
	return kv
}
