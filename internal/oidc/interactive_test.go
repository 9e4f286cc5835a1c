package oidc_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/internal/oidc"
)

// The flows that succeed run against a real provider, in internal/e2e. Here are the providers that misbehave.
type badProvider struct {
	*httptest.Server
	issuer string                                                 // in the discovery document
	login  func(query url.Values) url.Values                      // what the browser is sent back with
	token  func(w http.ResponseWriter, form url.Values, n string) // n is the nonce of the login
}

func newBadProvider(t *testing.T) *badProvider {
	p := &badProvider{
		login: func(q url.Values) url.Values { return url.Values{"code": {"secret-code"}, "state": q["state"]} },
	}
	var nonce string
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]string{
			"issuer": p.issuer, "authorization_endpoint": p.URL + "/auth", "token_endpoint": p.URL + "/token",
		})
	})
	mux.HandleFunc("/auth", func(w http.ResponseWriter, r *http.Request) {
		nonce = r.FormValue("nonce")
		http.Redirect(w, r, r.FormValue("redirect_uri")+"?"+p.login(r.URL.Query()).Encode(), http.StatusFound)
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		p.token(w, r.PostForm, nonce)
	})
	p.Server = httptest.NewServer(mux)
	p.issuer = p.URL
	t.Cleanup(p.Close)
	return p
}

func answerToken(w http.ResponseWriter, token string) {
	json.NewEncoder(w).Encode(map[string]string{"id_token": token})
}

// browse is a person who does what the page says.
func browse(ctx context.Context, address string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err == nil {
		res.Body.Close()
	}
	return nil
}

func TestBadProvider(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("%s was sent to another server", r.URL)
	}))
	defer elsewhere.Close()
	for name, test := range map[string]struct {
		change func(p *badProvider)
		want   string
	}{
		"other issuer": {func(p *badProvider) { p.issuer = "https://example.com" }, "of the issuer"},
		"refused login": {func(p *badProvider) {
			p.login = func(q url.Values) url.Values { return url.Values{"error": {"access_denied"}, "state": q["state"]} }
		}, "access_denied"},
		"other nonce": {func(p *badProvider) {
			p.token = func(w http.ResponseWriter, _ url.Values, _ string) { answerToken(w, jwt(`{"nonce":"secret-nonce"}`)) }
		}, "nonce"},
		"no token": {func(p *badProvider) {
			p.token = func(w http.ResponseWriter, _ url.Values, _ string) { answerToken(w, "") }
		}, "no identity token"},
		"not a JWT": {func(p *badProvider) {
			p.token = func(w http.ResponseWriter, _ url.Values, _ string) { answerToken(w, "secret.garbage") }
		}, "not a JWT"},
		"garbage": {func(p *badProvider) {
			p.token = func(w http.ResponseWriter, _ url.Values, _ string) { fmt.Fprint(w, "secret garbage") }
		}, "no identity token"},
		"echo": {func(p *badProvider) {
			p.token = func(w http.ResponseWriter, form url.Values, _ string) {
				w.WriteHeader(http.StatusBadRequest)
				json.NewEncoder(w).Encode(map[string]string{"error": "invalid_grant", "error_description": form.Encode()})
			}
		}, "invalid_grant"},
		"redirect": {func(p *badProvider) {
			p.token = func(w http.ResponseWriter, _ url.Values, _ string) {
				w.Header().Set("Location", elsewhere.URL)
				w.WriteHeader(http.StatusTemporaryRedirect)
			}
		}, "307"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newBadProvider(t)
			test.change(p)
			got, err := oidc.Interactive{
				Issuer: p.URL, ClientSecret: "secret-of-client", Open: browse, Output: io.Discard,
			}.Token(t.Context())
			if err == nil {
				t.Fatalf("Token() = %q", got)
			}
			if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), p.URL) {
				t.Errorf("got error %q, want one that names the provider and says %q", err, test.want)
			}
			if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, "secret") {
				t.Errorf("secret in the error: %v", text)
			}
		})
	}
}

// An answer without the state of this login did not come from it, and the login goes on.
func TestForeignCallback(t *testing.T) {
	p := newBadProvider(t)
	p.token = func(w http.ResponseWriter, form url.Values, nonce string) {
		if form.Get("code") != "secret-code" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		answerToken(w, jwt(`{"nonce":"`+nonce+`"}`))
	}
	open := func(ctx context.Context, address string) error {
		u, err := url.Parse(address)
		if err != nil {
			return err
		}
		browse(ctx, u.Query().Get("redirect_uri")+"?code=stolen&state=guessed")
		return browse(ctx, address)
	}
	if _, err := (oidc.Interactive{Issuer: p.URL, Open: open, Output: io.Discard}).Token(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestInteractiveContext(t *testing.T) {
	p := newBadProvider(t)
	typing, _ := io.Pipe() // nobody types
	for name, i := range map[string]oidc.Interactive{
		"browser":     {Open: func(context.Context, string) error { return nil }},
		"blocked":     {Open: func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }},
		"out of band": {Flow: oidc.OutOfBand},
		"no browser":  {Open: func(context.Context, string) error { return errors.New("no display") }},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			var output strings.Builder
			i.Issuer, i.Output, i.Input = p.URL, &output, typing
			start := time.Now()
			_, err := i.Token(ctx)
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
				t.Errorf("after %v: %v", time.Since(start), err)
			}
			if !strings.Contains(output.String(), p.URL+"/auth?") {
				t.Errorf("the person was not told where to go: %s", &output)
			}
			if asked := strings.Contains(output.String(), "verification code"); asked == (i.Open != nil && name != "no browser") {
				t.Errorf("asked for a code: %v", asked)
			}
		})
	}
}

func TestStatic(t *testing.T) {
	if got, err := oidc.Static(" " + token + "\n"); got != token || err != nil {
		t.Errorf("Static = %q, %v", got, err)
	}
	for _, bad := range []string{"", "secret", "secret.secret", "a.secret.b", token + "." + token} {
		if got, err := oidc.Static(bad); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("Static(%q) = %q, %v", bad, got, err)
		}
	}
}
