package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

// The test's own program is the hub, too, to be loaded and killed.
func TestMain(m *testing.M) {
	if os.Getenv("HUB_CHILD") != "" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// A signer signs models that are in memory.
type signer struct {
	key    *ecdsa.PrivateKey
	public string // a file
}

func newSigner(t testing.TB) signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	s := signer{key, filepath.Join(t.TempDir(), "key.pub")}
	if err := os.WriteFile(s.public, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o666); err != nil {
		t.Fatal(err)
	}
	return s
}

type files map[string][]byte

// digests remembers those of large data, which are in several models.
var digests sync.Map

func digest(data []byte) manifest.Digest {
	if len(data) < 100_000 {
		sum := sha256.Sum256(data)
		return manifest.NewDigest(manifest.SHA256, sum[:])
	}
	type key struct {
		first *byte
		n     int
	}
	k := key{&data[0], len(data)}
	d, ok := digests.Load(k)
	if !ok {
		sum := sha256.Sum256(data)
		d, _ = digests.LoadOrStore(k, manifest.NewDigest(manifest.SHA256, sum[:]))
	}
	return d.(manifest.Digest)
}

// sign returns a bundle. With a shard size that is not zero it is one of shards.
func (s signer) sign(t testing.TB, name string, model files, shard int64, ignore ...string) []byte {
	t.Helper()
	m := &manifest.Manifest{Name: name, Serialization: manifest.Serialization{
		Method: manifest.Files, Algorithm: manifest.SHA256, ShardSize: shard, IgnorePaths: ignore,
	}}
	for path, data := range model {
		if shard == 0 {
			m.Resources = append(m.Resources, manifest.Resource{Path: path, Digest: digest(data)})
			continue
		}
		m.Serialization.Method = manifest.Shards
		for start := int64(0); start < int64(len(data)); start += shard {
			end := min(start+shard, int64(len(data)))
			m.Resources = append(m.Resources, manifest.Resource{Path: path, Start: start, End: end, Digest: digest(data[start:end])})
		}
	}
	b, err := signing.Config().UseEllipticKeySigner(signing.EllipticKey{Key: s.key}).SignManifest(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := b.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// check verifies what a store has under a name.
func (s signer) check(store, name string) error {
	dir := filepath.Join(store, "models", name)
	_, err := verifying.Config().
		UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: s.public}).
		Verify(filepath.Join(dir, filesName), filepath.Join(dir, bundleName))
	if err == nil {
		_, err = os.Stat(filepath.Join(dir, resultName))
	}
	return err
}

// A client talks to a hub.
type client struct {
	url  string
	http *http.Client
}

// A reply is what the hub says. The status is 0 if it says nothing.
type reply struct {
	status int
	kind   string // of the failure
	body   string
	err    error // of the connection
}

func (r reply) String() string { return fmt.Sprintf("%d %s %s %v", r.status, r.kind, r.body, r.err) }

func (c client) do(ctx context.Context, method, path string, body io.Reader) (r reply) {
	req, err := http.NewRequestWithContext(ctx, method, c.url, body)
	if err != nil {
		return reply{err: err}
	}
	req.URL.Path = path // as it is, which NewRequest might not leave it
	res, err := c.http.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	var said struct {
		Error failure `json:"error"`
	}
	_ = json.Unmarshal(data, &said)
	return reply{res.StatusCode, said.Error.Kind, string(data), err}
}

// begin returns the upload's path.
func (c client) begin(ctx context.Context, name string, bundle io.Reader) (string, reply) {
	r := c.do(ctx, "POST", "/models/"+name+"/uploads", bundle)
	var said struct {
		Upload string `json:"upload"`
	}
	_ = json.Unmarshal([]byte(r.body), &said)
	return "/uploads/" + said.Upload, r
}

func (c client) put(ctx context.Context, upload, path string, body io.Reader) reply {
	return c.do(ctx, "PUT", upload+"/files/"+path, body)
}

// upload does all of it, and returns the first reply that is not good, or the last.
func (c client) upload(ctx context.Context, name string, bundle []byte, model files) reply {
	upload, r := c.begin(ctx, name, bytes.NewReader(bundle))
	if r.status != http.StatusCreated {
		return r
	}
	for path, data := range model {
		if r := c.put(ctx, upload, path, bytes.NewReader(data)); r.status != http.StatusNoContent {
			return r
		}
	}
	return c.do(ctx, "POST", upload+"/commit", nil)
}

var usual = limits{
	uploads: 8, connections: 100, memory: 16 << 20, bundle: 1 << 20, bytes: 1 << 20, files: 100,
	idle: time.Minute, arrival: time.Minute, pause: time.Minute, age: time.Hour,
}

// newTestHub serves a hub in this process.
func newTestHub(t testing.TB, p policy, l limits) (client, *hub, string) {
	t.Helper()
	dir := t.TempDir()
	s, err := openStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	h := newHub(s, p, l, slog.New(slog.NewTextHandler(t.Output(), nil)))
	server := httptest.NewServer(h.handler())
	t.Cleanup(func() {
		server.Close()
		h.close()
		if left, err := os.ReadDir(s.uploads); err != nil || len(left) > 0 {
			t.Errorf("left of uploads: %v, %v", left, err)
		}
		if uploads, memory := h.count(); uploads != 0 || memory != 0 {
			t.Errorf("%d uploads of %d bytes are counted that have ended", uploads, memory)
		}
	})
	return client{server.URL, server.Client()}, h, dir
}

func keyPolicy(t testing.TB, s signer) policy {
	t.Helper()
	p, err := newPolicy("", []string{s.public})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
