// Package transport makes the HTTP transports of everything here that asks a server.
package transport

import (
	"net/http"
	"net/url"
	"time"
)

// A Proxy says which proxy a request goes through, as [http.Transport.Proxy] does; nil is none.
type Proxy = func(*http.Request) (*url.URL, error)

// New returns a transport of its own that keeps no connection: Go's default one, or its like where a program has put
// something else in its place, but for the proxy: Go's takes that from the environment.
func New(p Proxy) *http.Transport {
	t := &http.Transport{ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second}
	if standard, ok := http.DefaultTransport.(*http.Transport); ok {
		t = standard.Clone()
	}
	t.Proxy = p
	t.DisableKeepAlives = true
	return t
}
