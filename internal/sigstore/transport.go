//go:build !nosigstore

package sigstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/modelsigning/modelsigning/internal/timestamp"
	"github.com/modelsigning/modelsigning/internal/transport"
)

const (
	requestTimeout = 30 * time.Second // from connecting to the end of the answer
	attempts       = 3

	maxAnswer   = 1 << 20 // of Fulcio and Rekor
	maxTUF      = 8 << 20 // several times the public instance's largest file
	maxQuote    = 200     // of what a server says
	maxErrorLen = 1000
)

// newClient returns a client whose requests end with ctx, which the clients of sigstore-go and go-tuf do not
// see to by themselves. It keeps no connection.
//
// What it reads of an answer is bounded by limit. With refuse, an answer that is an error's is an error, because
// the clients quote the whole of it; 409 is not, since it is how logs say that they have an entry.
func newClient(ctx context.Context, proxy transport.Proxy, limit int64, refuse bool) *http.Client {
	return &http.Client{Transport: &retrying{ctx, transport.New(proxy), limit, refuse}}
}

type retrying struct {
	ctx  context.Context
	base http.RoundTripper

	limit  int64
	refuse bool
}

// RoundTrip tries again when a server says that it cannot answer now. If it says so to the end, that is an
// error, since callers would read a body that says nothing to them.
func (t *retrying) RoundTrip(req *http.Request) (*http.Response, error) {
	req, err := repeatable(req)
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		res, err := t.try(req)
		if err != nil {
			return nil, err
		}
		if res.StatusCode < 500 && res.StatusCode != http.StatusTooManyRequests {
			return t.check(res)
		}
		res.Body.Close()
		if try == attempts {
			return nil, fmt.Errorf("server answered %d %s", res.StatusCode, http.StatusText(res.StatusCode))
		}
		select {
		case <-t.ctx.Done():
			return nil, t.ctx.Err()
		case <-time.After(time.Duration(try) * time.Second / 2):
		}
	}
}

// repeatable returns a request that can be sent again, which those of Rekor's generated client cannot.
func repeatable(req *http.Request) (*http.Request, error) {
	if req.Body == nil || req.GetBody != nil {
		return req, nil
	}
	defer req.Body.Close()
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.ContentLength = int64(len(body))
	return req, nil
}

func (t *retrying) check(res *http.Response) (*http.Response, error) {
	if !t.refuse || res.StatusCode < 400 || res.StatusCode == http.StatusConflict {
		return res, nil
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, maxQuote)) // what there is of it
	return nil, fmt.Errorf("server answered %d %s: %q", res.StatusCode, http.StatusText(res.StatusCode), text)
}

func (t *retrying) try(req *http.Request) (*http.Response, error) {
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
	res.Body = &answer{res.Body, cancel, t.limit, t.limit}
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
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode/100 == 2 {
		if err := timestamp.CheckCost(body); err != nil {
			return nil, err
		}
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// An answer is the body of one, up to a limit. It frees the context of its request when it has been read.
type answer struct {
	io.ReadCloser
	cancel      context.CancelFunc
	limit, left int64
}

func (a *answer) Read(p []byte) (int, error) {
	if int64(len(p)) > a.left+1 {
		p = p[:a.left+1]
	}
	n, err := a.ReadCloser.Read(p)
	if int64(n) > a.left {
		n, a.left = int(a.left), 0
		return n, fmt.Errorf("server answered with more than %d bytes", a.limit)
	}
	a.left -= int64(n)
	return n, err
}

func (a *answer) Close() error {
	defer a.cancel()
	return a.ReadCloser.Close()
}

// encoded is what may be a secret in another encoding.
var encoded = regexp.MustCompile(`[A-Za-z0-9_+=%\\-]{24,}`)

// serviceError names the server. What the context says goes before what became of the connection, and a server
// that repeats what is secret is not quoted.
func serviceError(ctx context.Context, service, address string, err error, secrets ...string) error {
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
		redacted = encoded.ReplaceAllString(redacted, "[redacted]")
	}
	shown, hidden := public(address)
	for _, part := range hidden {
		redacted = strings.ReplaceAll(redacted, part, "")
	}
	if len(redacted) > maxErrorLen { // what parsers quote of an answer
		redacted = fmt.Sprintf("%q", redacted[:maxErrorLen])
	}
	if redacted != text {
		err = errors.New(redacted)
	}
	return &ServiceError{service, shown, err}
}

// public returns a URL without what may be secret, and how that reads where an error repeats the URL.
func public(address string) (shown string, hidden []string) {
	u, err := url.Parse(address)
	if err != nil {
		return "(no URL)", []string{address}
	}
	if u.User != nil {
		hidden = append(hidden, u.User.String()+"@", u.User.Username()+":***@") // the latter is net/http's
	}
	if u.RawQuery != "" {
		hidden = append(hidden, "?"+u.RawQuery)
	}
	shorter := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	return shorter.String(), hidden
}
