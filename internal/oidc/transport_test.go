package oidc_test

import (
	"net/http"
	"testing"

	"github.com/modelsigning/modelsigning/internal/oidc"
)

// Programs put tracers and proxies in the place of Go's default transport.
func TestTransportReplaced(t *testing.T) {
	standard := http.DefaultTransport
	defer func() { http.DefaultTransport = standard }()
	http.DefaultTransport = struct{ http.RoundTripper }{standard}
	if transport := oidc.Transport(); !transport.DisableKeepAlives || transport.Proxy == nil {
		t.Errorf("got %+v", transport)
	}
}
