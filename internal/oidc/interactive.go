package oidc

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/modelsigning/modelsigning/internal/transport"
)

// A Flow is a way to ask a person.
type Flow int

const (
	// Browser opens a browser on this machine and is called back by it. If no browser can be opened it turns
	// to OutOfBand.
	Browser Flow = iota
	// OutOfBand prints a URL and reads the code that the person finds there.
	OutOfBand
	// Device prints a URL and a code to enter there, and waits for the approval (RFC 8628).
	Device
)

// Interactive asks a person to log in with an OpenID provider.
type Interactive struct {
	// Issuer is the URL of the provider. It is required.
	Issuer string
	// ClientID is "sigstore" if empty. ClientSecret is for providers that ask for one.
	ClientID, ClientSecret string
	Flow                   Flow
	// Open shows a URL to the person. It is called in a goroutine of its own and may block; its context ends
	// with the flow. Nil stands for the system's browser.
	Open func(ctx context.Context, url string) error
	// Output is where the person reads, os.Stderr if nil, and Input where they type, os.Stdin if nil. A read
	// of Input that has begun when the context ends goes on in the background.
	Output io.Writer
	Input  io.Reader
	// Proxy is for requests to the provider.
	Proxy transport.Proxy
}

const (
	// patience is how long a person may take.
	patience  = 5 * time.Minute
	outOfBand = "urn:ietf:wg:oauth:2.0:oob"
)

// Token returns the identity token of the person, once they have logged in.
func (i Interactive) Token(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience,
		fmt.Errorf("nobody logged in within %s: %w", patience, context.DeadlineExceeded))
	defer cancel()
	i.ClientID = cmp.Or(i.ClientID, "sigstore")
	if i.Output == nil {
		i.Output = os.Stderr
	}
	if i.Input == nil {
		i.Input = os.Stdin
	}
	token, err := i.token(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return "", fmt.Errorf("identity provider %s: %w", i.Issuer, err)
	}
	return token, nil
}

func (i Interactive) token(ctx context.Context) (string, error) {
	p, err := i.discover(ctx)
	if err != nil {
		return "", err
	}
	switch i.Flow {
	case Device:
		return i.device(ctx, p)
	case OutOfBand:
		return i.outOfBand(ctx, p)
	default:
		token, err := i.browser(ctx, p)
		if noBrowser := new(browserError); errors.As(err, &noBrowser) {
			fmt.Fprintln(i.Output, "No browser could be opened.")
			return i.outOfBand(ctx, p)
		}
		return token, err
	}
}

// provider is what discovery says of one (OpenID Connect Discovery 1.0, section 3).
type provider struct {
	Issuer string `json:"issuer"`
	Auth   string `json:"authorization_endpoint"`
	Token  string `json:"token_endpoint"`
	Device string `json:"device_authorization_endpoint"`
}

func (i Interactive) discover(ctx context.Context) (p provider, err error) {
	address := strings.TrimSuffix(i.Issuer, "/") + "/.well-known/openid-configuration"
	_, body, err := get(ctx, client(i.Proxy), address, nil)
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return p, fmt.Errorf("GET %q: %w", address, err)
	}
	if p.Issuer != i.Issuer {
		return p, fmt.Errorf("GET %q: the document is of the issuer %q", address, p.Issuer)
	}
	for name, endpoint := range map[string]string{"authorization": p.Auth, "token": p.Token, "device authorization": p.Device} {
		if err := checkURL(endpoint); endpoint != "" && err != nil {
			return p, fmt.Errorf("GET %q: %s endpoint: %w", address, name, err)
		}
	}
	return p, nil
}

// checkURL refuses what a desktop might do something else with than open a page, and what would send secrets in
// the clear to another machine.
func checkURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "":
		return fmt.Errorf("%.200q is no URL of a page", address)
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("%.200q is neither https nor on this machine", address)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// login is one authorization code flow with PKCE (RFC 7636).
type login struct {
	state, nonce, verifier, redirect string
}

func newLogin(redirect string) login {
	return login{state: rand.Text(), nonce: rand.Text(), verifier: rand.Text() + rand.Text(), redirect: redirect}
}

func (i Interactive) authURL(p provider, l login) (string, error) {
	address, err := url.Parse(p.Auth)
	if err != nil || p.Auth == "" {
		return "", errors.New("the provider names no authorization endpoint")
	}
	challenge := sha256.Sum256([]byte(l.verifier))
	query := address.Query()
	for name, value := range map[string]string{
		"response_type":         "code",
		"client_id":             i.ClientID,
		"redirect_uri":          l.redirect,
		"scope":                 "openid email",
		"state":                 l.state,
		"nonce":                 l.nonce,
		"code_challenge":        base64.RawURLEncoding.EncodeToString(challenge[:]),
		"code_challenge_method": "S256",
	} {
		query.Set(name, value)
	}
	address.RawQuery = query.Encode()
	return address.String(), nil
}

// redeem turns an authorization code into a token.
func (i Interactive) redeem(ctx context.Context, p provider, l login, code string) (string, error) {
	token, err := i.requestToken(ctx, p, url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {code},
		"redirect_uri":  {l.redirect},
		"code_verifier": {l.verifier},
	})
	if err != nil {
		return "", err
	}
	c, err := parse(token)
	if err != nil {
		return "", err
	}
	if subtle.ConstantTimeCompare([]byte(c.Nonce), []byte(l.nonce)) == 0 {
		return "", errors.New("identity token is of another login: its nonce differs")
	}
	return token, nil
}

// requestToken calls the token endpoint. An error that the provider states is a [*oauthError].
func (i Interactive) requestToken(ctx context.Context, p provider, form url.Values) (string, error) {
	body, err := i.post(ctx, p.Token, form)
	if err != nil {
		return "", err
	}
	var answer struct {
		IDToken string `json:"id_token"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.IDToken == "" {
		return "", fmt.Errorf("POST %q: the answer holds no identity token", p.Token)
	}
	if _, err := parse(answer.IDToken); err != nil {
		return "", err
	}
	return answer.IDToken, nil
}

func (i Interactive) post(ctx context.Context, address string, form url.Values) ([]byte, error) {
	form.Set("client_id", i.ClientID)
	if i.ClientSecret != "" {
		form.Set("client_secret", i.ClientSecret)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	c := client(i.Proxy)
	c.CheckRedirect = func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // a secret goes where it was meant to go
	}
	_, body, err := do(c, req)
	if refused := new(statusError); errors.As(err, &refused) {
		stated := oauthError{status: refused}
		if json.Unmarshal(refused.body, &stated) == nil && stated.Code != "" {
			return nil, &stated
		}
	}
	return body, err
}

// oauthError is the error of RFC 6749, section 5.2. Its description is free text that might repeat what was
// sent, so it is not shown.
type oauthError struct {
	Code   string `json:"error"`
	status *statusError
}

func (e *oauthError) Error() string { return fmt.Sprintf("%v: %q", e.status, e.Code) }

func (i Interactive) outOfBand(ctx context.Context, p provider) (string, error) {
	l := newLogin(outOfBand)
	address, err := i.authURL(p, l)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(i.Output, "Go to the following link in a browser:\n\n\t%s\n\nEnter verification code: ", address)
	code, err := i.readLine(ctx)
	if err != nil {
		return "", err
	}
	return i.redeem(ctx, p, l, code)
}

func (i Interactive) readLine(ctx context.Context) (string, error) {
	type result struct {
		line string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		line, err := bufio.NewReader(i.Input).ReadString('\n')
		if line = strings.TrimSpace(line); line != "" {
			err = nil // the last line needs no end
		}
		done <- result{line, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			return "", fmt.Errorf("reading the verification code: %w", r.err)
		}
		return r.line, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
