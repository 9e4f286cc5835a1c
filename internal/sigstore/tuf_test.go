//go:build !nosigstore

package sigstore_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	neturl "net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/sigstore"
)

var tufKey = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))

// tufRoot is the root of the repositories of these tests.
var tufRoot = func() []byte {
	root := metadata.Root(time.Now().Add(time.Hour))
	root.Signed.ConsistentSnapshot = true
	key, err := metadata.KeyFromPublicKey(tufKey.Public())
	if err != nil {
		panic(err)
	}
	for _, role := range metadata.TOP_LEVEL_ROLE_NAMES {
		if err := root.Signed.AddKey(key, role); err != nil {
			panic(err)
		}
	}
	return sign(root)
}()

func sign[T metadata.Roles](m *metadata.Metadata[T]) []byte {
	signer, err := signature.LoadSigner(tufKey, crypto.Hash(0))
	if err != nil {
		panic(err)
	}
	if _, err := m.Sign(signer); err != nil {
		panic(err)
	}
	data, err := m.ToBytes(false)
	if err != nil {
		panic(err)
	}
	return data
}

// tufRepository serves the targets for as long as valid, and counts the requests.
func tufRepository(t *testing.T, files map[string][]byte, valid time.Duration) (url string, requests *atomic.Int64, stop func()) {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, data []byte) {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	expires := time.Now().Add(valid)
	targets := metadata.Targets(expires)
	for name, data := range files {
		info, err := metadata.TargetFile().FromBytes(name, data, "sha256")
		if err != nil {
			t.Fatal(err)
		}
		targets.Signed.Targets[name] = info
		sum := sha256.Sum256(data)
		write("targets/"+hex.EncodeToString(sum[:])+"."+name, data)
	}
	write("1.root.json", tufRoot)
	write("1.targets.json", sign(targets))
	write("1.snapshot.json", sign(metadata.Snapshot(expires)))
	write("timestamp.json", sign(metadata.Timestamp(expires)))

	requests = new(atomic.Int64)
	serve := http.FileServer(http.Dir(dir))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		serve.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, requests, s.Close
}

func TestMirror(t *testing.T) {
	good := map[string][]byte{"trusted_root.json": publicGood(t).JSON}
	b, err := bundle.ReadFile(historical(t)[0])
	if err != nil {
		t.Fatal(err)
	}
	newVerifier := func(trust sigstore.Trust) *sigstore.Verifier {
		t.Helper()
		v, err := sigstore.NewVerifier(trust, policy(signer))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	verify := func(t *testing.T, v *sigstore.Verifier, want bool) {
		t.Helper()
		if _, err := v.Verify(t.Context(), b); (err == nil) != want {
			t.Errorf("Verify: %v", err)
		}
	}

	t.Run("one fetch for many", func(t *testing.T) {
		url, requests, stop := tufRepository(t, good, time.Hour)
		trust := sigstore.Trust{Mirror: url, MirrorRoot: tufRoot, CacheDir: t.TempDir()}
		v := newVerifier(trust)
		done := make(chan struct{})
		for range 20 {
			go func() {
				defer func() { done <- struct{}{} }()
				verify(t, v, true)
			}()
		}
		for range 20 {
			<-done
		}
		if n := requests.Load(); n > 6 { // the next root, timestamp, snapshot, targets, the target
			t.Errorf("%d requests", n)
		}
		stop()
		verify(t, v, true)

		verify(t, newVerifier(trust), true) // the cache is a minute old
		trust.CacheOnly = true
		verify(t, newVerifier(trust), true)
		trust.CacheDir = t.TempDir()
		verify(t, newVerifier(trust), false)
	})

	t.Run("no cache on disk", func(t *testing.T) {
		home := t.TempDir()
		t.Setenv("HOME", home)
		t.Setenv("TMPDIR", home)
		url, requests, stop := tufRepository(t, good, time.Hour)
		v := newVerifier(sigstore.Trust{Mirror: url, MirrorRoot: tufRoot})
		verify(t, v, true)
		before := requests.Load()
		stop()
		verify(t, v, true)
		if requests.Load() != before {
			t.Error("fetched again")
		}
		if files, err := os.ReadDir(home); err != nil || len(files) > 0 {
			t.Errorf("found %v, %v", files, err)
		}
		if _, err := sigstore.NewVerifier(sigstore.Trust{CacheOnly: true}, policy(signer)); err == nil {
			t.Error("CacheOnly without a cache is no error")
		}
	})

	t.Run("through a proxy", func(t *testing.T) {
		url, requests, _ := tufRepository(t, good, time.Hour)
		var asked atomic.Int64
		v := newVerifier(sigstore.Trust{Mirror: "http://tuf.example.com", MirrorRoot: tufRoot, Proxy: func(*http.Request) (*neturl.URL, error) {
			asked.Add(1)
			return neturl.Parse(url)
		}})
		verify(t, v, true)
		if asked.Load() == 0 || requests.Load() != asked.Load() {
			t.Errorf("%d requests, %d through the proxy", requests.Load(), asked.Load())
		}
	})

	t.Run("refresh", func(t *testing.T) {
		url, requests, stop := tufRepository(t, good, time.Hour)
		v := newVerifier(sigstore.Trust{Mirror: url, MirrorRoot: tufRoot, CacheDir: t.TempDir(), Refresh: time.Nanosecond})
		verify(t, v, true)
		before := requests.Load()
		verify(t, v, true)
		if requests.Load() == before {
			t.Error("not refreshed")
		}
		stop() // a server keeps on serving while the repository is away
		verify(t, v, true)
		verify(t, v, true)
	})

	t.Run("expired", func(t *testing.T) {
		url, _, _ := tufRepository(t, good, -time.Hour)
		verify(t, newVerifier(sigstore.Trust{Mirror: url, MirrorRoot: tufRoot, CacheDir: t.TempDir()}), false)
	})

	t.Run("no target", func(t *testing.T) {
		url, _, _ := tufRepository(t, nil, time.Hour)
		verify(t, newVerifier(sigstore.Trust{Mirror: url, MirrorRoot: tufRoot, CacheDir: t.TempDir()}), false)
	})
}
