package oidc

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// device runs the device authorization grant (RFC 8628).
func (i Interactive) device(ctx context.Context, p provider) (string, error) {
	if p.Device == "" {
		return "", errors.New("the provider has no device flow")
	}
	body, err := i.post(ctx, p.Device, url.Values{"scope": {"openid email"}})
	if err != nil {
		return "", err
	}
	var d struct {
		DeviceCode string `json:"device_code"`
		UserCode   string `json:"user_code"`
		URL        string `json:"verification_uri"`
		Complete   string `json:"verification_uri_complete"`
		Interval   int    `json:"interval"`
	}
	if json.Unmarshal(body, &d) != nil || d.DeviceCode == "" || d.URL == "" {
		return "", fmt.Errorf("POST %q: malformed answer", p.Device)
	}
	for _, address := range []string{d.URL, cmp.Or(d.Complete, d.URL)} {
		if err := checkURL(address); err != nil {
			return "", fmt.Errorf("POST %q: verification URI: %w", p.Device, err)
		}
	}
	if !graphic(d.UserCode + d.URL + d.Complete) {
		return "", fmt.Errorf("POST %q: the code %.40q, or its URL, would control the terminal", p.Device, d.UserCode)
	}
	fmt.Fprintf(i.Output, "Go to the following link and enter the code %s:\n\n\t%s\n\n", d.UserCode, d.URL)
	if d.Complete != "" {
		fmt.Fprintf(i.Output, "or to this one, which holds it:\n\n\t%s\n\n", d.Complete)
	}
	interval := 5 * time.Second // section 3.2
	if d.Interval > 0 {
		interval = time.Duration(min(d.Interval, 60)) * time.Second
	}
	return i.poll(ctx, p, d.DeviceCode, interval)
}

func graphic(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsGraphic(r) })
}

// poll asks until the person has decided (section 3.5).
func (i Interactive) poll(ctx context.Context, p provider, code string, interval time.Duration) (string, error) {
	for {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(interval):
		}
		token, err := i.requestToken(ctx, p, url.Values{
			"grant_type":  {"urn:ietf:params:oauth:grant-type:device_code"},
			"device_code": {code},
		})
		stated := new(oauthError)
		switch {
		case err == nil:
			return token, nil
		case errors.As(err, &stated) && stated.Code == "authorization_pending":
		case errors.As(err, &stated) && stated.Code == "slow_down":
			interval += 5 * time.Second
		default:
			return "", err
		}
	}
}
