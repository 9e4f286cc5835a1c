//go:build !nosigstore

package sigstore_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/sigstore"
)

func TestBadPolicy(t *testing.T) {
	for name, p := range map[string]sigstore.Policy{
		"empty":             {},
		"both":              {UnsafeAnySigner: true, Identities: []sigstore.Identity{{Subject: "a", Issuer: "b"}}},
		"no subject":        policy(sigstore.Identity{Issuer: "b"}),
		"no issuer":         policy(sigstore.Identity{Subject: "a"}),
		"two subjects":      policy(sigstore.Identity{Subject: "a", SubjectRegexp: "a", Issuer: "b"}),
		"two issuers":       policy(sigstore.Identity{Subject: "a", Issuer: "b", IssuerRegexp: "b"}),
		"bad subject":       policy(sigstore.Identity{SubjectRegexp: "(", Issuer: "b"}),
		"out of the group":  policy(sigstore.Identity{SubjectRegexp: "a)|(b", Issuer: "b"}),
		"bad issuer":        policy(sigstore.Identity{Subject: "a", IssuerRegexp: "["}),
		"issuer twice":      policy(sigstore.Identity{Subject: "a", Issuer: "b", Extensions: sigstore.Extensions{Issuer: "b"}}),
		"one of two is bad": policy(sigstore.Identity{Subject: "a", Issuer: "b"}, sigstore.Identity{}),
	} {
		if v, err := sigstore.NewVerifier(sigstore.Trust{}, p); err == nil {
			t.Errorf("%s: NewVerifier = %v", name, v)
		}
	}
}

func TestBadTrust(t *testing.T) {
	anybody := sigstore.Policy{UnsafeAnySigner: true}
	token := func(context.Context, string) (string, error) { return "", nil }
	for name, trust := range map[string]sigstore.Trust{
		"empty":              {JSON: []byte{}},
		"not JSON":           {JSON: []byte("trust me")},
		"other media type":   {JSON: []byte(`{"mediaType":"application/json"}`)},
		"no root":            {JSON: []byte(`{"mediaType":"application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"}`)},
		"unknown field":      {JSON: []byte(`{"mediaType":"application/vnd.dev.sigstore.clienttrustconfig.v0.1+json","x":1}`)},
		"and staging":        {JSON: []byte(`{}`), Staging: true},
		"mirror and staging": {Mirror: "http://127.0.0.1", MirrorRoot: []byte("{}"), Staging: true},
		"no mirror root":     {Mirror: "http://127.0.0.1"},
		"no mirror":          {MirrorRoot: []byte("{}")},
	} {
		if v, err := sigstore.NewVerifier(trust, anybody); err == nil {
			t.Errorf("%s: NewVerifier = %v", name, v)
		}
		if s, err := sigstore.NewSigner(sigstore.SignerOptions{Trust: trust, Token: token}); err == nil {
			t.Errorf("%s: NewSigner = %v", name, s)
		}
	}
	if s, err := sigstore.NewSigner(sigstore.SignerOptions{}); err == nil {
		t.Errorf("without tokens: NewSigner = %v", s)
	}
}

// What is wrong with a file is said in words, and of which file.
func TestBadTrustText(t *testing.T) {
	const config, trustedRoot = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json", "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
	for data, want := range map[string]string{
		``:                               "is neither a TrustedRoot nor a ClientTrustConfig in JSON: it is not JSON",
		`trust me`:                       "is neither a TrustedRoot nor a ClientTrustConfig in JSON: it is not JSON",
		`"trust me"`:                     "is neither a TrustedRoot nor a ClientTrustConfig in JSON: it is not an object",
		`null`:                           "is neither a TrustedRoot nor a ClientTrustConfig in JSON: it is not an object",
		`{}`:                             "is neither a TrustedRoot nor a ClientTrustConfig in JSON: it has no mediaType",
		`{"mediaType":1}`:                "is neither a TrustedRoot nor a ClientTrustConfig in JSON: its mediaType is not a string",
		`{"media_type":"text/html"}`:     `is neither a TrustedRoot nor a ClientTrustConfig in JSON: its mediaType is "text/html"`,
		`{"mediaType":"` + config + `"}`: `trustedRoot: is not a TrustedRoot: its mediaType is ""`,
		`{"mediaType":"` + trustedRoot + `","x":1}`: `is malformed: (line 1:74): unknown field "x"`,
	} {
		file := filepath.Join(t.TempDir(), "trust.json")
		if err := os.WriteFile(file, []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
		trust, err := sigstore.Trust{}.ReadFiles(file, "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = sigstore.NewVerifier(trust, sigstore.Policy{UnsafeAnySigner: true})
		if err == nil || err.Error() != file+": "+want {
			t.Errorf("%s: got %v, want %s", data, err, want)
		}
	}
}

// A trusted root lets verify, and does not let sign, because it names no servers.
func TestSignWithTrustedRoot(t *testing.T) {
	_, err := sigstore.NewSigner(sigstore.SignerOptions{
		Trust: publicGood(t),
		Token: func(context.Context, string) (string, error) { return "", nil },
	})
	if err == nil || !strings.Contains(err.Error(), "ClientTrustConfig") {
		t.Error(err)
	}
}

// A repository that hangs holds nobody longer than the own context does, and does not spoil later calls.
func TestHangingRepository(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // connects, and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	v, err := sigstore.NewVerifier(sigstore.Trust{
		Mirror: "http://" + ln.Addr().String(), MirrorRoot: tufRoot, CacheDir: t.TempDir(),
	}, sigstore.Policy{UnsafeAnySigner: true})
	if err != nil {
		t.Fatal(err)
	}
	b := bundle.New([]byte("{}"), []byte("signature"), nil)

	first, cancelFirst := context.WithCancel(t.Context())
	fetching := make(chan error)
	go func() {
		_, err := v.Verify(first, b)
		fetching <- err
	}()
	time.Sleep(50 * time.Millisecond)
	for range 3 { // waiting for the first, and with its own patience
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		start := time.Now()
		if _, err := v.Verify(ctx, b); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		cancel()
	}
	cancelFirst()
	if err := <-fetching; !errors.Is(err, context.Canceled) {
		t.Errorf("the first call: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = v.Verify(ctx, b)
	named := new(sigstore.ServiceError)
	if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &named) || named.URL != "http://"+ln.Addr().String() {
		t.Errorf("a later call: %v", err)
	}
}

// With CacheOnly an empty cache is an error, and nothing is asked.
func TestCacheOnly(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("asked for %s", r.URL) }))
	defer s.Close()
	v, err := sigstore.NewVerifier(sigstore.Trust{
		Mirror: s.URL, MirrorRoot: tufRoot, CacheDir: filepath.Join(t.TempDir(), "cache"), CacheOnly: true,
	}, sigstore.Policy{UnsafeAnySigner: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.Verify(t.Context(), bundle.New([]byte("{}"), []byte("signature"), nil))
	if err == nil || !strings.Contains(err.Error(), "network") {
		t.Errorf("got error %v", err)
	}
}
