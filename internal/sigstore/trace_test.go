//go:build !nosigstore

package sigstore_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/modelsigning/modelsigning/internal/sigstore"
	"github.com/modelsigning/modelsigning/internal/span"
)

// heard are the spans that have ended.
type heard struct {
	mu    sync.Mutex
	lines []string
}

func (h *heard) Start(ctx context.Context, name string, attrs ...slog.Attr) (context.Context, func(error, ...slog.Attr)) {
	return ctx, func(err error, more ...slog.Attr) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.lines = append(h.lines, fmt.Sprint(name, attrs, more, " ", err))
	}
}

// Every server that is asked is a span, and none has more to say of an error than what the caller gets.
func TestSpans(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, "no: %s %s", r.Header, body)
	}
	for name, c := range map[string]struct {
		bad  badInstance
		want []string
	}{
		"Fulcio": {badInstance{fulcio: echo, rekor: echo}, []string{"identity_token", "fulcio"}},
		"TSA":    {badInstance{fulcio: certify(t), tsa: echo, rekor: echo}, []string{"identity_token", "fulcio", "timestamp_authority"}},
		"Rekor":  {badInstance{fulcio: certify(t), rekor: echo}, []string{"identity_token", "fulcio", "rekor"}},
	} {
		var spans heard
		err := c.bad.sign(t, span.With(t.Context(), &spans))
		var names []string
		for i, line := range spans.lines {
			span, rest, _ := strings.Cut(line, "[")
			names = append(names, strings.TrimPrefix(span, "modelsigning."))
			if failed := i == len(spans.lines)-1; failed != strings.HasSuffix(line, " "+err.Error()) || !failed && !strings.HasSuffix(line, "<nil>") {
				t.Errorf("%s: %s, and the error is %v", name, line, err)
			}
			if i > 0 && !strings.HasPrefix(rest, "server.address=127.0.0.1]") {
				t.Errorf("%s: got %s", name, line)
			}
			for part := range strings.SplitSeq(token, ".") {
				if strings.Contains(line, part) {
					t.Errorf("%s: a span has the token: %s", name, line)
				}
			}
		}
		if !slices.Equal(names, c.want) {
			t.Errorf("%s: got %q, want %q", name, names, c.want)
		}
	}
}

func TestSpanOfTUF(t *testing.T) {
	v, err := sigstore.NewVerifier(sigstore.Trust{Mirror: "http://user:password@127.0.0.1:1/?key=hidden", MirrorRoot: []byte("{}")},
		sigstore.Policy{UnsafeAnySigner: true})
	if err != nil {
		t.Fatal(err)
	}
	var spans heard
	_, err = v.Verify(span.With(t.Context(), &spans), nil)
	if err == nil || len(spans.lines) != 1 || !strings.HasPrefix(spans.lines[0], "modelsigning.tuf[server.address=127.0.0.1]") ||
		!strings.HasSuffix(spans.lines[0], err.Error()) || strings.Contains(spans.lines[0], "password") || strings.Contains(spans.lines[0], "hidden") {
		t.Errorf("got %q, %v", spans.lines, err)
	}
}
