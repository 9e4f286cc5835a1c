// Package span tells a tracer what takes time, if the caller has given one.
//
// The tracer travels in the context, so that a request that is made deep below is seen without everything between
// knowing about it. Without a tracer nothing is done and nothing allocated.
package span

import (
	"context"
	"log/slog"
	"net/url"
)

// A Tracer starts spans. It has the method of [signing.Tracer] and [verifying.Tracer].
//
// [signing.Tracer]: https://pkg.go.dev/github.com/modelsigning/modelsigning/signing#Tracer
// [verifying.Tracer]: https://pkg.go.dev/github.com/modelsigning/modelsigning/verifying#Tracer
type Tracer interface {
	Start(ctx context.Context, name string, attrs ...slog.Attr) (context.Context, func(err error, attrs ...slog.Attr))
}

type key struct{}

// With returns a context in which t hears of spans. Nil leaves it as it is.
func With(ctx context.Context, t Tracer) context.Context {
	if t == nil {
		return ctx
	}
	return context.WithValue(ctx, key{}, t)
}

// A Span is something that takes time. The zero value is one that nobody hears of.
type Span struct {
	end   func(error, ...slog.Attr)
	attrs []slog.Attr
}

// Start begins a span.
func Start(ctx context.Context, name string) (context.Context, Span) {
	t, ok := ctx.Value(key{}).(Tracer)
	if !ok {
		return ctx, Span{}
	}
	ctx, end := t.Start(ctx, name)
	return ctx, Span{end: end}
}

// StartRemote begins the span of a request to a server. Of its address only the host is told.
func StartRemote(ctx context.Context, name, address string) (context.Context, Span) {
	t, ok := ctx.Value(key{}).(Tracer)
	if !ok {
		return ctx, Span{}
	}
	host := "unknown"
	if u, err := url.Parse(address); err == nil && u.Hostname() != "" {
		host = u.Hostname()
	}
	ctx, end := t.Start(ctx, name, slog.String("server.address", host))
	return ctx, Span{end: end}
}

// On reports whether anybody hears of the span, and attributes are worth making.
func (s *Span) On() bool { return s.end != nil }

// Set adds attributes.
func (s *Span) Set(attrs ...slog.Attr) { s.attrs = append(s.attrs, attrs...) }

// End ends the span. Err is what went wrong, or nil.
func (s *Span) End(err error) {
	if s.end != nil {
		s.end(err, s.attrs...)
	}
}
