//go:build !nosigstore

package sigstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/modelsigning/modelsigning/internal/oidc"
	"github.com/modelsigning/modelsigning/internal/timestamp"
)

const (
	requestTimeout = 30 * time.Second // from connecting to the end of the answer
	attempts       = 3
)

// newClient returns a client whose requests end with ctx, which the clients of sigstore-go and go-tuf do not
// see to by themselves. It keeps no connection.
func newClient(ctx context.Context) *http.Client {
	return &http.Client{Transport: &transport{ctx, oidc.Transport()}}
}

type transport struct {
	ctx  context.Context
	base http.RoundTripper
}

// RoundTrip tries again when a server says that it cannot answer now. If it says so to the end, that is an
// error, since callers would read a body that says nothing to them.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	for try := 1; ; try++ {
		res, err := t.try(req)
		if err != nil || res.StatusCode < 500 && res.StatusCode != http.StatusTooManyRequests {
			return res, err
		}
		res.Body.Close()
		if try == attempts || req.Body != nil && req.GetBody == nil {
			return nil, fmt.Errorf("server answered %s", res.Status)
		}
		select {
		case <-t.ctx.Done():
			return nil, t.ctx.Err()
		case <-time.After(time.Duration(try) * time.Second / 2):
		}
	}
}

func (t *transport) try(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(t.ctx, requestTimeout)
	req = req.Clone(ctx)
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			cancel()
			return nil, err
		}
		req.Body = body
	}
	res, err := t.base.RoundTrip(req)
	if err != nil {
		cancel()
		return nil, err
	}
	res.Body = &cancelingBody{res.Body, cancel}
	return res, nil
}

// A stampTransport refuses answers that a parser of timestamps, which hears of no context, would take seconds for.
type stampTransport struct{ base http.RoundTripper }

func (t stampTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, timestamp.MaxResponse+1))
	if err != nil {
		return nil, err
	}
	if len(body) > timestamp.MaxResponse {
		return nil, fmt.Errorf("server answered with more than %d bytes", timestamp.MaxResponse)
	}
	if res.StatusCode/100 == 2 {
		if err := timestamp.CheckCost(body); err != nil {
			return nil, err
		}
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// cancelingBody frees the context of a request when its answer has been read.
type cancelingBody struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b *cancelingBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

// serviceError names the server. What the context says goes before what became of the connection, and a server
// that repeats what is secret is not quoted.
func serviceError(ctx context.Context, service, url string, err error, secrets ...string) error {
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	text := err.Error()
	redacted := text
	for _, secret := range secrets {
		for part := range strings.SplitSeq(secret, ".") {
			if len(part) > 8 { // less is no secret, and may be part of a word
				redacted = strings.ReplaceAll(redacted, part, "[redacted]")
			}
		}
	}
	if redacted != text {
		err = errors.New(redacted)
	}
	return &ServiceError{service, url, err}
}
