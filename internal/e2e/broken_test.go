//go:build unix

package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/e2e"
	"github.com/modelsigning/modelsigning/internal/oidc"
	"github.com/modelsigning/modelsigning/internal/sigstore"
)

// Every server that hangs or is down makes an error that names it, and no later than the context allows.
func TestBrokenServers(t *testing.T) {
	for name, options := range bothRekors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack := e2e.Start(t, options)
			s := newSigner(t, stack.TrustConfigJSON, with(stack.Token(e2e.Claims{})))
			attempt := func(patience time.Duration) (time.Duration, error) {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				start := time.Now()
				_, err := s.Sign(ctx, statement)
				return time.Since(start), err
			}
			if _, err := attempt(time.Minute); err != nil {
				t.Fatal(err)
			}
			broken := []struct {
				*e2e.Service
				name string // that the error must have
			}{{stack.Rekor, "Rekor"}, {stack.TSA, "timestamp authority"}, {stack.CTLog, "Fulcio"}, {stack.Fulcio, "Fulcio"}}
			if options.RekorV1 {
				broken = append(broken[:1], broken[2:]...) // needs no timestamps
			}
			for _, service := range broken {
				named := new(sigstore.ServiceError)
				service.Suspend()
				took, err := attempt(2 * time.Second)
				if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &named) || named.Service != service.name || took > 4*time.Second {
					t.Errorf("%s hangs: after %v: %v", service.Name, took, err)
				}
				service.Resume()
				if _, err := attempt(time.Minute); err != nil {
					t.Errorf("%s is back: %v", service.Name, err)
				}
			}
			for _, service := range broken { // the last of a signature first, so that each is reached
				named := new(sigstore.ServiceError)
				service.Stop()
				took, err := attempt(12 * time.Second)
				if err == nil || !errors.As(err, &named) || named.Service != service.name {
					t.Errorf("%s is down: after %v: %v", service.Name, took, err)
				}
				if late := took > 10*time.Second; late != (service.Service == stack.CTLog) { // which Fulcio waits for
					t.Errorf("%s is down: after %v", service.Name, took)
				}
			}
		})
	}
}

// So does an OpenID provider.
func TestBrokenProvider(t *testing.T) {
	stack := e2e.Start(t, e2e.Options{})
	login := func(patience time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		_, err := oidc.Interactive{Issuer: stack.Issuer, Output: io.Discard, Open: func(ctx context.Context, url string) error {
			_, err := e2e.Visit(ctx, url)
			return err
		}}.Token(ctx)
		return err
	}
	if err := login(time.Minute); err != nil {
		t.Fatal(err)
	}
	stack.OIDC.Suspend()
	if err := login(time.Second); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), stack.Issuer) {
		t.Errorf("the provider hangs: %v", err)
	}
	stack.OIDC.Stop()
	if err := login(time.Minute); err == nil || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), stack.Issuer) {
		t.Errorf("the provider is down: %v", err)
	}
}

// A cancelled context ends a signature at once, whoever is being waited for.
func TestCancelled(t *testing.T) {
	stack := e2e.Start(t, e2e.Options{})
	s := newSigner(t, stack.TrustConfigJSON, with(stack.Token(e2e.Claims{})))
	stack.Rekor.Suspend()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(500*time.Millisecond, cancel)
	start := time.Now()
	if _, err := s.Sign(ctx, statement); !errors.Is(err, context.Canceled) || time.Since(start) > 2*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}

// between answers for the server at url, whose URL in the trust configuration it takes.
func between(t *testing.T, config []byte, url string, answer http.HandlerFunc) []byte {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	if !bytes.Contains(config, []byte(url)) {
		t.Fatalf("%s is not in the trust configuration", url)
	}
	return bytes.ReplaceAll(config, []byte(url), []byte(s.URL))
}

func TestGarbage(t *testing.T) {
	for name, options := range bothRekors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack := e2e.Start(t, options)
			// Answers are tried with both codes for success.
			answers := map[string]func(http.ResponseWriter){
				"nothing":  func(w http.ResponseWriter) { w.WriteHeader(http.StatusCreated) },
				"text":     func(w http.ResponseWriter) { w.WriteHeader(http.StatusCreated); io.WriteString(w, "garbage") },
				"text 200": func(w http.ResponseWriter) { io.WriteString(w, "garbage") },
				"empty object": func(w http.ResponseWriter) {
					w.Header().Set("Content-Type", "application/json")
					w.WriteHeader(http.StatusCreated)
					io.WriteString(w, "{}")
				},
				"empty object 200": func(w http.ResponseWriter) {
					w.Header().Set("Content-Type", "application/json")
					io.WriteString(w, "{}")
				},
				"refusal":     func(w http.ResponseWriter) { http.Error(w, "no", http.StatusForbidden) },
				"unavailable": func(w http.ResponseWriter) { http.Error(w, "later", http.StatusServiceUnavailable) },
			}
			services := map[string]string{"Fulcio": stack.Fulcio.URL, "Rekor": stack.Rekor.URL, "timestamp authority": stack.TSA.URL}
			if options.RekorV1 {
				delete(services, "timestamp authority")
			}
			for service, url := range services {
				for kind, answer := range answers {
					t.Run(service+" "+kind, func(t *testing.T) {
						t.Parallel()
						config := between(t, stack.TrustConfigJSON, url, func(w http.ResponseWriter, r *http.Request) { answer(w) })
						_, err := newSigner(t, config, with(stack.Token(e2e.Claims{}))).Sign(t.Context(), statement)
						if named := new(sigstore.ServiceError); errors.As(err, &named) {
							if named.Service != service {
								t.Errorf("got error %v, want one that names %s", err, service)
							}
						} else if service != "Rekor" || !errors.Is(err, bundle.ErrMalformed) { // an entry, but an empty one
							t.Errorf("got error %v", err)
						}
					})
				}
			}
		})
	}
}

// A log that answers with somebody else's entry is found out when signing.
func TestLyingLog(t *testing.T) {
	for name, options := range bothRekors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack := e2e.Start(t, options)
			var recorded *http.Response
			var entry []byte
			config := between(t, stack.TrustConfigJSON, stack.Rekor.URL, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				res, err := http.Post(stack.Rekor.URL+r.URL.Path, "application/json", bytes.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				defer res.Body.Close()
				if recorded == nil {
					recorded = res
					entry, _ = io.ReadAll(res.Body)
				}
				for _, name := range []string{"Content-Type", "ETag", "Location"} {
					w.Header().Set(name, recorded.Header.Get(name))
				}
				w.WriteHeader(recorded.StatusCode)
				w.Write(entry)
			})
			// The log is still the one that the trusted root knows: only its address is another.
			s := newSigner(t, config, with(stack.Token(e2e.Claims{})))
			if _, err := s.Sign(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Sign(t.Context(), statement); !errors.Is(err, sigstore.ErrLog) {
				t.Errorf("got error %v", err)
			}
		})
	}
}

// An instance whose trusted root is not its own is found out when signing.
func TestForeignTrustedRoot(t *testing.T) {
	stack, strangers := e2e.Start(t, e2e.Options{}), e2e.Start(t, e2e.Options{})
	config := bytes.Replace(stack.TrustConfigJSON, stack.TrustedRootJSON, strangers.TrustedRootJSON, 1)
	if bytes.Equal(config, stack.TrustConfigJSON) {
		t.Fatal("the trust configuration does not hold the trusted root as it stands")
	}
	_, err := newSigner(t, config, with(stack.Token(e2e.Claims{}))).Sign(t.Context(), statement)
	if !errors.Is(err, sigstore.ErrLog) {
		t.Errorf("got error %v", err)
	}
}
