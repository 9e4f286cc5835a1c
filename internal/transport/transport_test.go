package transport_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/modelsigning/modelsigning/internal/transport"
)

func TestNew(t *testing.T) {
	check := func(t *testing.T) {
		t.Helper()
		if got := transport.New(nil); !got.DisableKeepAlives || got.Proxy != nil {
			t.Errorf("got %+v", got)
		}
		want := &url.URL{Host: "proxy.example.com"}
		got := transport.New(func(*http.Request) (*url.URL, error) { return want, nil })
		if u, err := got.Proxy(nil); u != want || err != nil {
			t.Errorf("the proxy is %v, %v", u, err)
		}
	}
	check(t)
	// Programs put tracers and the like in the place of Go's default transport.
	standard := http.DefaultTransport
	defer func() { http.DefaultTransport = standard }()
	http.DefaultTransport = struct{ http.RoundTripper }{standard}
	check(t)
}
