package oidc_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/internal/oidc"
)

// jwt has the form of a token. Its parts are long enough not to occur in an error by chance.
func jwt(claims string) string {
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"none"}`)) + "." + part([]byte(claims)) + "." + part([]byte("the signature"))
}

var token = jwt(`{"sub":"somebody"}`)

func env(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := values[name]
		return value, ok
	}
}

// server answers with token if the request has the header, and the query parameter audience=sigstore.
func server(t *testing.T, header, value, format string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(header) != value || r.FormValue("audience") != "sigstore" {
			http.Error(w, "no: "+r.Header.Get(header), http.StatusForbidden)
			return
		}
		w.Header().Set("Metadata-Flavor", "Google")
		fmt.Fprintf(w, format, token)
	}))
	t.Cleanup(s.Close)
	return s
}

func write(t *testing.T, name, content string, mode os.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAmbient(t *testing.T) {
	github := server(t, "Authorization", "Bearer request-token", `{"count":1,"value":"%s"}`)
	google := server(t, "Metadata-Flavor", "Google", "%s")
	root := t.TempDir()
	mounted := t.TempDir()
	write(t, filepath.Join(mounted, "var/run/sigstore/cosign/oidc-token"), token+"\n", 0o600)

	for name, test := range map[string]struct {
		env  map[string]string
		root string
	}{
		"GitHub": {env: map[string]string{
			"ACTIONS_ID_TOKEN_REQUEST_URL":   github.URL + "/?api-version=2.0",
			"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request-token",
			"SIGSTORE_ID_TOKEN":              "not taken, because the other comes first",
		}},
		"variable":     {env: map[string]string{"SIGSTORE_ID_TOKEN": token + "\n"}},
		"Google":       {env: map[string]string{"GCE_METADATA_HOST": strings.TrimPrefix(google.URL, "http://")}},
		"named file":   {env: map[string]string{"SIGSTORE_ID_TOKEN_FILE": write(t, filepath.Join(root, "token"), token, 0o600)}},
		"mounted file": {root: mounted},
	} {
		t.Run(name, func(t *testing.T) {
			if test.root == "" {
				test.root = root
			}
			got, err := oidc.Ambient{LookupEnv: env(test.env), Root: test.root}.Token(t.Context())
			if got != token || err != nil {
				t.Errorf("Token() = %q, %v", got, err)
			}
		})
	}
}

func TestAmbientBuildkite(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the agent is played by a shell script")
	}
	agent := `#!/bin/sh
[ "$*" = "oidc request-token --audience sigstore" ] && echo "` + token + `"
`
	dir := t.TempDir()
	write(t, filepath.Join(dir, "buildkite-agent"), agent, 0o755)
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	a := oidc.Ambient{LookupEnv: env(map[string]string{"BUILDKITE": "true"}), Root: t.TempDir()}
	if got, err := a.Token(t.Context()); got != token || err != nil {
		t.Errorf("Token() = %q, %v", got, err)
	}
	a.Audience = "other"
	if got, err := a.Token(t.Context()); err == nil {
		t.Errorf("the agent refuses, and Token() = %q", got)
	}
}

func TestAmbientNone(t *testing.T) {
	a := oidc.Ambient{LookupEnv: env(nil), Root: t.TempDir()}
	if got, err := a.Token(t.Context()); !errors.Is(err, oidc.ErrNoCredentials) {
		t.Errorf("Token() = %q, %v", got, err)
	}
	a.LookupEnv = env(map[string]string{"GITHUB_ACTIONS": "true"})
	_, err := a.Token(t.Context())
	if !errors.Is(err, oidc.ErrNoCredentials) || !strings.Contains(err.Error(), "id-token: write") {
		t.Errorf("in a job without the permission: %v", err)
	}
}

// What is secret does not come back in an error, even from a server that repeats it.
func TestAmbientSecrets(t *testing.T) {
	github := server(t, "Authorization", "Bearer another", "%s")
	plain := server(t, "Authorization", "Bearer secret-request-token", "%s") // not JSON
	broken := "secret-not-a-jwt"
	for name, values := range map[string]map[string]string{
		"refused":     {"ACTIONS_ID_TOKEN_REQUEST_URL": github.URL, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "secret-request-token"},
		"not JSON":    {"ACTIONS_ID_TOKEN_REQUEST_URL": plain.URL, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "secret-request-token"},
		"unreachable": {"ACTIONS_ID_TOKEN_REQUEST_URL": "http://127.0.0.1:1/", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "secret-request-token"},
		"no JWT":      {"SIGSTORE_ID_TOKEN": broken},
		"no claims":   {"SIGSTORE_ID_TOKEN": "secret.secret.secret"},
		"file":        {"SIGSTORE_ID_TOKEN_FILE": write(t, filepath.Join(t.TempDir(), "token"), broken, 0o600)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := oidc.Ambient{LookupEnv: env(values), Root: t.TempDir()}.Token(t.Context())
			if err == nil {
				t.Fatalf("Token() = %q", got)
			}
			if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, "secret") || strings.Contains(text, token) {
				t.Errorf("secret in the error: %v", text)
			}
			t.Log(err)
		})
	}
}

func TestAmbientContext(t *testing.T) {
	release := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer hanging.Close()
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := oidc.Ambient{Root: t.TempDir(), LookupEnv: env(map[string]string{
		"GCE_METADATA_HOST": strings.TrimPrefix(hanging.URL, "http://"),
	})}.Token(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
	if err == nil || !strings.Contains(err.Error(), hanging.URL) {
		t.Errorf("the error does not name the server: %v", err)
	}
}
