package span_test

import (
	"errors"
	"testing"

	"github.com/modelsigning/modelsigning/internal/span"
)

// Without a tracer, spans cost nothing.
func TestNoTracer(t *testing.T) {
	ctx := span.With(t.Context(), nil)
	err := errors.New("failed")
	n := testing.AllocsPerRun(100, func() {
		inner, s := span.Start(ctx, "x")
		_, remote := span.StartRemote(inner, "y", "https://example.com")
		if s.On() || remote.On() {
			t.Error("somebody hears of it")
		}
		remote.End(err)
		s.End(nil)
	})
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
}
