package verifying_test

import (
	"bytes"
	"context"
	"crypto/elliptic"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/verifying"
)

func TestRoundTrip(t *testing.T) {
	for _, curve := range curves {
		for _, algorithm := range []manifest.Algorithm{manifest.SHA256, manifest.BLAKE2b, manifest.BLAKE3} {
			for _, h := range []hashing.Configuration{
				hashing.Config().UseFileSerialization(hashing.Files{Algorithm: algorithm}),
				hashing.Config().UseShardSerialization(hashing.Shards{Algorithm: algorithm, ShardSize: 64}),
			} {
				model, key := tree(t, small), newKey(t, curve)
				sig := filepath.Join(model, "model.sig")
				for range 2 { // the second replaces the first
					if err := signer(key).SetHashingConfig(h).Sign(model, sig); err != nil {
						t.Fatal(err)
					}
				}
				r, err := verifier(key).Verify(model, sig)
				if err != nil {
					t.Fatalf("%s, %s: %v", curve.Params().Name, algorithm, err)
				}
				if got, want := r.Signer.Subject, hint(t, key); got != want || r.Signer.Method != bundle.Key {
					t.Errorf("signed by %s %s, want %s", r.Signer.Method, got, want)
				}
				if !slices.Equal(r.Ignored, []string{"model.sig"}) {
					t.Errorf("ignored %q, want the signature alone", r.Ignored)
				}
				want := []string(nil)
				if r.Manifest.Serialization.Method == manifest.Shards {
					want = []string{"empty"}
				}
				if !slices.Equal(r.Unsigned, want) {
					t.Errorf("unsigned %q, want %q", r.Unsigned, want)
				}
			}
		}
	}
}

func TestSingleFile(t *testing.T) {
	dir, key := tree(t, small), newKey(t, elliptic.P256())
	model, sig := filepath.Join(dir, "weights.bin"), filepath.Join(dir, "weights.sig")
	if err := signer(key).Sign(model, sig); err != nil {
		t.Fatal(err)
	}
	r, err := verifier(key).Verify(model, sig)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Manifest.Resources) != 1 || r.Manifest.Resources[0].Path != "weights.bin" {
		t.Errorf("signed %v, want the file's name", r.Manifest.Resources)
	}
	// The Python reference calls the file ".".
	m := *r.Manifest
	statement := strings.ReplaceAll(string(must(bundle.MarshalStatement(&m))), `{"name":"weights.bin","digest":"`, `{"name":".","digest":"`)
	if err := sign(t, key, []byte(statement)).WriteFile(sig); err != nil {
		t.Fatal(err)
	}
	if _, err := verifier(key).Verify(model, sig); err != nil {
		t.Errorf("a file called by a dot: %v", err)
	}
	if _, err := verifier(key).Verify(dir, sig); !errors.As(err, new(*verifying.MismatchError)) {
		t.Errorf("a directory in place of a file called by a dot: got %v", err)
	}
	b := must(bundle.ReadFile(sig))
	got := must(hashing.Hash(model))
	if _, err := verifier(key).VerifyManifest(t.Context(), got, b); err != nil {
		t.Errorf("the manifest of a file called by a dot: %v", err)
	}
	if got.Resources[0].Path != "weights.bin" {
		t.Errorf("verifying changed the caller's manifest: %+v", got.Resources)
	}
	two := *got
	two.Resources = append(two.Resources, manifest.Resource{Path: "other.bin", Digest: got.Resources[0].Digest})
	below := *got
	below.Resources = []manifest.Resource{{Path: "a/weights.bin", Digest: got.Resources[0].Digest}}
	for name, m := range map[string]*manifest.Manifest{"two files": &two, "a file in a directory": &below, "no file": {Serialization: got.Serialization}} {
		if _, err := verifier(key).VerifyManifest(t.Context(), m, b); !errors.As(err, new(*verifying.MismatchError)) {
			t.Errorf("the manifest of %s, signed a file called by a dot: %v", name, err)
		}
	}
	var mismatch *verifying.MismatchError
	if _, err := verifier(key).VerifyManifest(t.Context(), &two, b); !errors.As(err, &mismatch) || len(mismatch.Extra) != 2 {
		t.Errorf("the manifest of two files: %v", err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestErrOfLastUse(t *testing.T) {
	c := verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "none"})
	if !errors.Is(c.Err(), fs.ErrNotExist) {
		t.Errorf("got %v", c.Err())
	}
	if c = c.UseEllipticKeyVerifier(verifying.EllipticKey{Key: newKey(t, elliptic.P256()).Public()}); c.Err() != nil {
		t.Errorf("a later UseX does not replace the error: %v", c.Err())
	}
}

// What went wrong can be told without reading the text.
func TestErrors(t *testing.T) {
	model, sig, key := signed(t, hashing.Config(), small)
	other := newKey(t, elliptic.P256())
	good := must(os.ReadFile(sig))
	replaceSig := func(data []byte) string {
		name := filepath.Join(t.TempDir(), "sig")
		write(t, name, string(data))
		return name
	}
	flipped := must(bundle.Parse(good))
	forged := sign(t, other, flipped.UnverifiedStatement())
	forged.Proto().GetVerificationMaterial().GetPublicKey().Hint = hint(t, key)

	changed := tree(t, small)
	write(t, filepath.Join(changed, "weights.bin"), "other")
	for name, c := range map[string]struct {
		config     verifying.Configuration
		model, sig string
		is         error
		as         any
	}{
		"no verifier":       {verifying.Config(), model, sig, verifying.ErrNoVerifier, nil},
		"nil verifier":      {verifying.Config().UseVerifier(nil), model, sig, verifying.ErrNoVerifier, nil},
		"wrong key":         {verifier(other), model, sig, verifying.ErrIdentity, nil},
		"bad signature":     {verifier(key), model, replaceSig(must(forged.MarshalJSON())), verifying.ErrSignature, nil},
		"changed model":     {verifier(key), changed, sig, nil, new(*verifying.MismatchError)},
		"malformed":         {verifier(key), model, replaceSig(good[:len(good)-1]), bundle.ErrMalformed, nil},
		"no signature":      {verifier(key), model, sig + "no", fs.ErrNotExist, new(*fs.PathError)},
		"no model":          {verifier(key), model + "no", sig, fs.ErrNotExist, new(*fs.PathError)},
		"other certificate": {verifier(key), model, replaceSig(certificateBundle(t, flipped)), verifying.ErrMethod, nil},
	} {
		r, err := c.config.Verify(c.model, c.sig)
		if r != nil || err == nil {
			t.Errorf("%s: got %v, %v", name, r, err)
			continue
		}
		if c.is != nil && !errors.Is(err, c.is) || c.as != nil && !errors.As(err, c.as) {
			t.Errorf("%s: got %v", name, err)
		}
		for _, e := range []error{verifying.ErrIdentity, verifying.ErrSignature, bundle.ErrMalformed, verifying.ErrMethod} {
			if e != c.is && errors.Is(err, e) {
				t.Errorf("%s: %v is also %v", name, err, e)
			}
		}
	}
}

func certificateBundle(t *testing.T, b *bundle.Bundle) []byte {
	return must(bundle.NewCertificate(b.UnverifiedStatement(), b.Signature(), [][]byte{{1}}).MarshalJSON())
}

func TestMismatch(t *testing.T) {
	model, sig, key := signed(t, hashing.Config(), small)
	if err := os.Remove(filepath.Join(model, "a-b")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(model, "config.json"), "changed")
	write(t, filepath.Join(model, "run\n\x1b[2J.py"), "extra")
	_, err := verifier(key).Verify(model, sig)
	var mismatch *verifying.MismatchError
	if !errors.As(err, &mismatch) {
		t.Fatalf("got %v", err)
	}
	if !slices.Equal(mismatch.Missing, []string{"a-b"}) || !slices.Equal(mismatch.Extra, []string{"run\n\x1b[2J.py"}) ||
		len(mismatch.Changed) != 1 || mismatch.Changed[0].Name != "config.json" || mismatch.Model != model {
		t.Errorf("got %+v", mismatch)
	}
	want := `model is not what was signed: 1 changed ("config.json"), 1 missing ("a-b"), 1 not signed ("run\n\x1b[2J.py")`
	if mismatch.Error() != want {
		t.Errorf("got %s, want %s", mismatch, want)
	}
}

func TestIgnoreUnsignedFiles(t *testing.T) {
	for _, h := range []hashing.Configuration{
		hashing.Config(), hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 64}),
	} {
		model, sig, key := signed(t, h, map[string]string{"a": "1", "d/b": "2"})
		write(t, filepath.Join(model, "extra"), "x")
		write(t, filepath.Join(model, "d", "extra"), "")
		write(t, filepath.Join(model, ".git", "config"), "x")
		c := verifier(key)
		if _, err := c.Verify(model, sig); !errors.As(err, new(*verifying.MismatchError)) {
			t.Errorf("unsigned files pass: %v", err)
		}
		r, err := c.SetIgnoreUnsignedFiles(true).Verify(model, sig)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(r.Unsigned, []string{"d/extra", "extra"}) || !slices.Equal(r.Ignored, []string{".git/"}) {
			t.Errorf("unsigned %q, ignored %q", r.Unsigned, r.Ignored)
		}
		write(t, filepath.Join(model, "d", "b"), "3")
		if _, err := c.SetIgnoreUnsignedFiles(true).Verify(model, sig); !errors.As(err, new(*verifying.MismatchError)) {
			t.Errorf("a changed file passes: %v", err)
		}
	}
}

func TestHashingConfig(t *testing.T) {
	shards := hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 64})
	model, sig, key := signed(t, shards, small)
	for field, h := range map[string]hashing.Configuration{
		"method":         hashing.Config().UseFileSerialization(hashing.Files{}),
		"hash_type":      hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 64, Algorithm: manifest.BLAKE3}),
		"shard_size":     hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 65}),
		"allow_symlinks": hashing.Config().SetAllowSymlinks(true),
	} {
		var conflict *hashing.ConflictError
		_, err := verifier(key).SetHashingConfig(h).Verify(model, sig)
		if !errors.As(err, &conflict) || conflict.Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
	write(t, filepath.Join(model, "notes", "today"), "x")
	if _, err := verifier(key).SetHashingConfig(shards.AddIgnoredPaths("notes").SetMaxWorkers(1)).Verify(model, sig); err != nil {
		t.Errorf("adding ignored paths and workers: %v", err)
	}
}

func TestManifests(t *testing.T) {
	ctx := context.Background()
	key := newKey(t, elliptic.P384())
	m := must(hashing.Hash(tree(t, small)))
	b, err := signer(key).SignManifest(ctx, m)
	if err != nil {
		t.Fatal(err)
	}
	r, err := verifier(key).VerifyManifest(ctx, m, b)
	if err != nil || !r.Manifest.Diff(m).Empty() {
		t.Errorf("got %v, %v", r, err)
	}
	if r, err := verifier(key).Open(ctx, b); err != nil || !r.Manifest.Diff(m).Empty() {
		t.Errorf("got %v, %v", r, err)
	}
	other := *m
	other.Resources = m.Resources[1:]
	if _, err := verifier(key).VerifyManifest(ctx, &other, b); !errors.As(err, new(*verifying.MismatchError)) {
		t.Errorf("got %v", err)
	}
	signed := m.Serialization
	for field, s := range map[string]manifest.Serialization{
		"method":         {Method: manifest.Shards, Algorithm: signed.Algorithm, ShardSize: 5},
		"hash_type":      {Method: signed.Method, Algorithm: manifest.BLAKE3},
		"allow_symlinks": {Method: signed.Method, Algorithm: signed.Algorithm, AllowSymlinks: true},
	} {
		other.Serialization = s
		var conflict *hashing.ConflictError
		if _, err := verifier(key).VerifyManifest(ctx, &other, b); !errors.As(err, &conflict) || conflict.Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

func TestFiftyGoroutines(t *testing.T) {
	key := newKey(t, elliptic.P256())
	s, v := signer(key), verifier(key)
	var wg sync.WaitGroup
	for i := range 50 {
		model := tree(t, map[string]string{"a": fmt.Sprint(i), "b/c": strings.Repeat("x", i*1000)})
		wg.Go(func() {
			sig := filepath.Join(model, "model.sig")
			if err := s.Sign(model, sig); err != nil {
				t.Error(err)
			}
			if _, err := v.Verify(model, sig); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// A cancelled context stops hashing within 100 ms, in the middle of a file of 1 GB. A busy machine may take longer
// once, so it has three tries.
func TestCancel(t *testing.T) {
	model, sig, key := signed(t, hashing.Config(), small)
	big := filepath.Join(model, "weights.bin")
	if err := os.Truncate(big, 1<<30); err != nil {
		t.Fatal(err)
	}
	for what, run := range map[string]func(context.Context, hashing.Configuration) error{
		"sign": func(ctx context.Context, h hashing.Configuration) error {
			return signer(key).SetHashingConfig(h).SignContext(ctx, model, sig+"2")
		},
		"verify": func(ctx context.Context, h hashing.Configuration) error {
			_, err := verifier(key).SetHashingConfig(h).VerifyContext(ctx, model, sig)
			return err
		},
	} {
		took := time.Hour
		for try := 0; try < 3 && took > 100*time.Millisecond; try++ {
			took = min(took, cancelled(t, run))
		}
		if took > 100*time.Millisecond {
			t.Errorf("%s: returned %v after it was cancelled", what, took)
		}
	}
	if _, err := os.Stat(sig + "2"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a signature was written: %v", err)
	}
}

// cancelled cancels run in the middle of hashing, and returns how long it took to notice.
func cancelled(t *testing.T, run func(context.Context, hashing.Configuration) error) time.Duration {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var once sync.Once
	var at time.Time
	err := run(ctx, hashing.Config().SetProgress(func(p hashing.Progress) {
		if p.Done > 10<<20 {
			once.Do(func() { at = time.Now(); cancel() })
		}
	}))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	return time.Since(at)
}

// The reference's bundles of every release.
func TestHistorical(t *testing.T) {
	vectors := os.Getenv("MODEL_SIGNING_VECTORS")
	if vectors == "" {
		t.Skip("MODEL_SIGNING_VECTORS names no directory with bundles of the reference's releases")
	}
	bundles := must(filepath.Glob(filepath.Join(vectors, "historical", "*-elliptic-key", "model.sig")))
	if len(bundles) != 4 {
		t.Fatalf("found %q, want four", bundles)
	}
	v := verifying.Config().
		UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: filepath.Join(vectors, "keys", "signing-key-pub.pem")}).
		SetHashingConfig(hashing.Config().AddIgnoredPaths("ignore-me"))
	for _, sig := range bundles {
		model := filepath.Dir(sig)
		if strings.Contains(sig, "v0.3.1") || strings.Contains(sig, "v1.0.0") {
			model = filepath.Join(model, "signme-1")
		}
		if _, err := v.Verify(model, sig); err != nil {
			t.Error(err)
		}
		data := must(os.ReadFile(sig))
		at := bytes.Index(data, []byte(`"sig":`))
		if at < 0 {
			t.Fatalf("%s holds no signature", sig)
		}
		edited := bytes.Clone(data)
		edited[at+30] ^= 1 // another letter of the base64
		name := filepath.Join(t.TempDir(), "sig")
		write(t, name, string(edited))
		if _, err := v.Verify(model, name); err == nil {
			t.Errorf("%s: verifies with another signature", sig)
		}
	}
}
