// Package oidc obtains the identity tokens that Sigstore certifies: from the machine it runs on ([Ambient]),
// or from a person ([Interactive]).
//
// Tokens, codes and client secrets never appear in its errors. All requests end with their context, and no
// connection is kept. The environment is read by [Ambient] alone, through the function it is given.
package oidc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/modelsigning/modelsigning/internal/transport"
)

// DefaultAudience is whom tokens are for unless told otherwise; every Fulcio expects it.
const DefaultAudience = "sigstore"

// maxBody bounds what is read of any answer. The largest is a discovery document.
const maxBody = 1 << 20

// claims are the parts of a token that are looked at here. They are not verified: Fulcio does that.
type claims struct {
	Nonce    string `json:"nonce"`
	Issuer   string `json:"iss"`
	Audience any    `json:"aud"` // a string, or several
	Expires  int64  `json:"exp"`
}

// parse looks into a token without verifying it. Its errors do not quote the token.
func parse(token string) (c claims, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, errors.New("identity token is not a JWT")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &c) != nil {
		return c, errors.New("identity token is not a JWT: its claims are not JSON")
	}
	return c, nil
}

// Describe says of a token what helps to find out why it was refused, and nothing that is secret.
func Describe(token string) string {
	c, err := parse(token)
	if err != nil {
		return err.Error()
	}
	verb := "expires"
	at := time.Unix(c.Expires, 0)
	if time.Now().After(at) {
		verb = "expired"
	}
	return fmt.Sprintf("identity token of %.200q for %.200q, which %s at %s",
		c.Issuer, fmt.Sprint(c.Audience), verb, at.UTC().Format(time.RFC3339))
}

// Static checks that a token that was given has the form of one, and returns it without the white space that
// files and shells leave around it.
func Static(token string) (string, error) {
	token = strings.TrimSpace(token)
	_, err := parse(token)
	if err != nil {
		return "", err
	}
	return token, nil
}

// client is used for a few requests and then dropped, so it keeps nothing open.
func client(p transport.Proxy) *http.Client {
	return &http.Client{Transport: transport.New(p), Timeout: time.Minute}
}

// do sends a request and returns the body of an answer in the two hundreds. Any other answer is a
// [*statusError], whose text does not show the body.
func do(c *http.Client, req *http.Request) (*http.Response, []byte, error) {
	res, err := c.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return nil, nil, fmt.Errorf("%s %q: %w", req.Method, req.URL.Redacted(), err)
	}
	if res.StatusCode/100 != 2 {
		return nil, nil, &statusError{method: req.Method, url: req.URL.Redacted(), status: res.Status, body: body}
	}
	return res, body, nil
}

type statusError struct {
	method, url, status string
	body                []byte
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s %q: server answered %s", e.method, e.url, e.status)
}

func get(ctx context.Context, c *http.Client, url string, header http.Header) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header = header
	return do(c, req)
}
