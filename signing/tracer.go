package signing

import (
	"context"
	"log/slog"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/span"
)

// A Tracer hears of what takes time. Package tracing, below verifying, makes one of a TracerProvider of OpenTelemetry,
// which this package does not import, since not everybody wants it.
//
// Start says that something begins, and returns the context for what happens in it, and a function that is called
// once, with the error if there was one, when it ends. Names and attributes are described in package tracing. Start is
// called by many goroutines.
type Tracer interface {
	Start(ctx context.Context, name string, attrs ...slog.Attr) (context.Context, func(err error, attrs ...slog.Attr))
}

// SetTracer sets who hears of spans. The default, nil, is nobody.
func (c Configuration) SetTracer(t Tracer) Configuration {
	c.tracer = t
	return c
}

// trace begins the span of a call. The caller ends it.
func (c Configuration) trace(ctx context.Context) (context.Context, span.Span) {
	return span.Start(span.With(ctx, c.tracer), "modelsigning.sign")
}

// tracedSign has a signer sign a statement.
func tracedSign(ctx context.Context, signer Signer, statement []byte) (*bundle.Bundle, error) {
	ctx, s := span.Start(ctx, "modelsigning.sign_statement")
	b, err := signer.Sign(ctx, statement)
	if s.On() {
		s.Set(slog.Int("modelsigning.statement.size", len(statement)))
		if b != nil {
			s.Set(slog.String("modelsigning.method", string(b.Method())))
		}
	}
	s.End(err)
	return b, err
}
