package oidc_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/internal/oidc"
)

// hostile serves a discovery document, and an answer to whoever begins the device flow.
func hostile(t *testing.T, document, device map[string]string) string {
	t.Helper()
	var s *httptest.Server
	s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			json.NewEncoder(w).Encode(device)
			return
		}
		answer := map[string]string{"issuer": s.URL, "authorization_endpoint": s.URL, "token_endpoint": s.URL, "device_authorization_endpoint": s.URL}
		for name, value := range document {
			answer[name] = value
		}
		json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestHostileEndpoints(t *testing.T) {
	open := func(_ context.Context, address string) error { t.Errorf("opened %q", address); return nil }
	for _, name := range []string{"authorization_endpoint", "token_endpoint", "device_authorization_endpoint"} {
		for _, endpoint := range []string{"file:///evil.desktop", "--version", "smb://evil/x", "javascript:alert(1)", "/bin/ls", "http://example.com", "https:///x"} {
			var output strings.Builder
			issuer := hostile(t, map[string]string{name: endpoint}, nil)
			_, err := oidc.Interactive{Issuer: issuer, Open: open, Output: &output}.Token(t.Context())
			if err == nil || !strings.Contains(err.Error(), "endpoint") || output.Len() > 0 {
				t.Errorf("%s %s: printed %q, error %v", name, endpoint, &output, err)
			}
		}
	}
}

func TestHostileDevice(t *testing.T) {
	for name, answer := range map[string]map[string]string{
		"code":         {"user_code": "\x1b[2J", "verification_uri": "https://example.com"},
		"URI":          {"user_code": "A", "verification_uri": "file:///etc/passwd"},
		"escape":       {"user_code": "A", "verification_uri": "https://x\x1b[31m\nEnter your password:"},
		"complete URI": {"user_code": "A", "verification_uri": "https://example.com", "verification_uri_complete": "http://example.com"},
	} {
		answer["device_code"] = "d"
		var output strings.Builder
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		_, err := oidc.Interactive{Issuer: hostile(t, nil, answer), Output: &output, Flow: oidc.Device}.Token(ctx)
		cancel()
		if err == nil || errors.Is(err, context.DeadlineExceeded) || output.Len() > 0 {
			t.Errorf("%s: printed %q, error %v", name, &output, err)
		}
	}
}

// A child of the agent that holds its output keeps nobody past the context.
func TestBuildkiteContext(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the agent of this test is a shell script")
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "buildkite-agent"), "#!/bin/sh\n/bin/sleep 6\n", 0o755)
	t.Setenv("PATH", dir)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := oidc.Ambient{LookupEnv: env(map[string]string{"BUILDKITE": "true"}), Root: dir}.Token(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 4*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}
