package verifying_test

import (
	"context"
	"crypto/elliptic"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/verifying"
)

// received returns a Receiver for a signed model, and what signs it.
func received(t *testing.T, h hashing.Configuration, change func(verifying.Configuration) verifying.Configuration) *verifying.Receiver {
	t.Helper()
	_, sig, key := signed(t, h, small)
	c := verifier(key)
	if change != nil {
		c = change(c)
	}
	return must(c.Receive(t.Context(), must(bundle.ReadFile(sig))))
}

// The signature comes first: nothing is taken for a model that was not signed by whom it should be.
func TestReceiveSignature(t *testing.T) {
	_, sig, key := signed(t, hashing.Config(), small)
	b := must(bundle.ReadFile(sig))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var conflict *hashing.ConflictError
	for name, try := range map[string]struct {
		ctx  context.Context
		c    verifying.Configuration
		b    *bundle.Bundle
		want func(error) bool
	}{
		"other key":   {t.Context(), verifier(newKey(t, elliptic.P256())), b, func(err error) bool { return errors.Is(err, verifying.ErrIdentity) }},
		"no bundle":   {t.Context(), verifier(key), nil, func(err error) bool { return errors.Is(err, bundle.ErrMalformed) }},
		"no verifier": {t.Context(), verifying.Config(), b, func(err error) bool { return errors.Is(err, verifying.ErrNoVerifier) }},
		"cancelled":   {ctx, verifier(key), b, func(err error) bool { return errors.Is(err, context.Canceled) }},
		"conflict": {t.Context(), verifier(key).SetHashingConfig(hashing.Config().UseShardSerialization(hashing.Shards{})), b,
			func(err error) bool { return errors.As(err, &conflict) }},
		"pattern": {t.Context(), verifier(key).SetOnly("nothing"), b, func(err error) bool { return errors.Is(err, verifying.ErrNoMatch) }},
	} {
		if r, err := try.c.Receive(try.ctx, try.b); r != nil || !try.want(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestReceiveIgnoresUnsigned(t *testing.T) {
	for _, h := range []hashing.Configuration{hashing.Config(), hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 64})} {
		_, sig, key := signed(t, h, small)
		b := must(bundle.ReadFile(sig))
		files := maps.Clone(small)
		files["more"], files["d/more"], files[".gitignore"] = "x", strings.Repeat("y", 1000), "z"
		c := verifier(key).SetIgnoreUnsignedFiles(true)
		for _, ranges := range []bool{false, true} {
			want := must(c.Verify(tree(t, files), sig))
			r, err, refused := receive(t, c, b, files, ranges)
			sameOutcome(t, "more", want, r, nil, errors.Join(err, refused))
			delete(files, "a.b")
			_, err, _ = receive(t, c, b, files, ranges)
			var mismatch *verifying.MismatchError
			if !errors.As(err, &mismatch) || len(mismatch.Missing) != 1 || len(mismatch.Extra) > 0 {
				t.Errorf("missing: got %v", err)
			}
			files["a.b"] = small["a.b"]
			files["a-b"] += "x"
			if _, err, refused := receive(t, c, b, files, ranges); !errors.As(err, &mismatch) || !errors.As(refused, &mismatch) {
				t.Errorf("appended to a signed file: got %v, %v", err, refused)
			}
			files["a-b"] = small["a-b"]
		}
	}
}

// An old signature of a single file does not say its name.
func TestReceiveSingleFile(t *testing.T) {
	for _, h := range []hashing.Configuration{hashing.Config(), hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 7})} {
		_, sig, key := signed(t, h, map[string]string{"weights.bin": "0123456789"})
		statement := strings.ReplaceAll(string(must(bundle.ReadFile(sig)).UnverifiedStatement()), `{"name":"weights.bin`, `{"name":".`)
		b := sign(t, key, []byte(statement))
		for name, try := range map[string]struct {
			files map[string]string
			good  bool
		}{
			"its name":    {map[string]string{"weights.bin": "0123456789"}, true},
			"any name":    {map[string]string{"w": "0123456789"}, true},
			"two":         {map[string]string{"w": "0123456789", "x": "0123456789"}, false},
			"below":       {map[string]string{"d/w": "0123456789"}, false},
			"changed":     {map[string]string{"w": "0123456788"}, false},
			"longer":      {map[string]string{"w": "01234567890"}, false},
			"none":        {nil, false},
			"ignored too": {map[string]string{"w": "0123456789", ".git/x": ""}, true},
		} {
			for _, c := range []verifying.Configuration{verifier(key), verifier(key).SetIgnoreUnsignedFiles(true)} {
				for _, ranges := range []bool{false, true} {
					r, err, _ := receive(t, c, b, try.files, ranges)
					if (err == nil) != try.good || (r != nil) != try.good || err != nil && !errors.As(err, new(*verifying.MismatchError)) {
						t.Errorf("%s: got %+v, %v", name, r, err)
					}
				}
			}
		}
	}
}

func TestReceiveOnly(t *testing.T) {
	_, sig, key := signed(t, hashing.Config(), small)
	c, b := verifier(key).SetOnly("a*", "tokenizer"), must(bundle.ReadFile(sig))
	files := maps.Clone(small)
	files["weights.bin"], files["more"] = "another", "x"
	r, err, refused := receive(t, c, b, files, false)
	if err != nil || refused != nil || !r.Partial || !slices.Equal(r.Unchecked, []string{"config.json", "empty", "naïve name", "tokenizer.json", "weights.bin"}) {
		t.Errorf("got %+v, %v, %v", r, err, refused)
	}
	files["a.b"] = "another"
	delete(files, "tokenizer/vocab.json")
	delete(files, "config.json")
	_, err, refused = receive(t, c, b, files, true)
	var mismatch *verifying.MismatchError
	if !errors.As(err, &mismatch) || len(mismatch.Changed) != 1 || !slices.Equal(mismatch.Missing, []string{"tokenizer/vocab.json"}) || refused == nil {
		t.Errorf("got %v, %v", err, refused)
	}
}

// An upload that was cut off, or was wrong, may be tried again. What is not whole in the end is an error.
func TestReceiveAgain(t *testing.T) {
	for _, h := range []hashing.Configuration{hashing.Config(), hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 64})} {
		r := received(t, h, nil)
		cut := must(r.Create("weights.bin"))
		must(io.WriteString(cut, small["weights.bin"][:1440]))
		if _, err := r.Create("weights.bin"); !errors.Is(err, fs.ErrExist) {
			t.Errorf("two at the same time: got %v", err)
		}
		cut.Abort()
		var mismatch *verifying.MismatchError
		if err := putAll(r, "a-b", "wrong"); !errors.As(err, &mismatch) {
			t.Errorf("wrong: got %v", err)
		}
		if err := putRanges(r, "a-b", "wrong again"); !errors.As(err, &mismatch) {
			t.Errorf("wrong again: got %v", err)
		}
		for path, data := range small {
			if err := putRanges(r, path, data); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			if err := putAll(r, path, data); !errors.Is(err, fs.ErrExist) {
				t.Errorf("%s twice: got %v", path, err)
			}
		}
		if result, err := r.Close(); err != nil || len(result.Manifest.Resources) < 8 {
			t.Errorf("in the end: got %+v, %v", result, err)
		}
	}
	r := received(t, hashing.Config(), nil)
	for path, data := range small {
		if err := putAll(r, path, data); err != nil {
			t.Error(err)
		}
	}
	must(r.Create(".gitignore")).Abort()
	if result, err := r.Close(); result != nil || !errors.Is(err, hashing.ErrIncomplete) {
		t.Errorf("cut off: got %+v, %v", result, err)
	}
}

// Paths that a directory could not hold are refused even if somebody has signed them.
func TestReceiveImpossible(t *testing.T) {
	key := newKey(t, elliptic.P256())
	m := &manifest.Manifest{Name: "m", Serialization: manifest.Serialization{Method: manifest.Files, Algorithm: manifest.SHA256}}
	for _, path := range []string{"a", "a/b"} {
		m.Resources = append(m.Resources, manifest.Resource{Path: path, Digest: manifest.Digest{Algorithm: manifest.SHA256, Hex: hexOf(make([]byte, 32))}})
	}
	r := must(verifier(key).Receive(t.Context(), sign(t, key, must(bundle.MarshalStatement(m)))))
	must(r.Create("a"))
	if _, err := r.Create("a/b"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
}

// What a stranger may make a server keep is bounded.
func TestReceiveTooMany(t *testing.T) {
	r := received(t, hashing.Config(), func(c verifying.Configuration) verifying.Configuration {
		return c.SetIgnoreUnsignedFiles(true).SetHashingConfig(hashing.Config().SetMaxResources(1000))
	})
	for i := range 1000 {
		w, err := r.Create(fmt.Sprintf("more/%d", i))
		if i == 999 {
			if !errors.Is(err, hashing.ErrTooMany) {
				t.Errorf("got %v", err)
			}
			return
		}
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReceiveCancelled(t *testing.T) {
	_, sig, key := signed(t, hashing.Config(), small)
	ctx, cancel := context.WithCancel(t.Context())
	r := must(verifier(key).Receive(ctx, must(bundle.ReadFile(sig))))
	w := must(r.Create("weights.bin"))
	cancel()
	_, err1 := w.Write([]byte("0"))
	_, err2 := r.Create("a-b")
	_, err3 := r.Close()
	for _, err := range []error{err1, w.Close(), err2, err3} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
}

// Fifty uploads to one Receiver, and fifty Receivers of one configuration.
func TestReceiveFiftyGoroutines(t *testing.T) {
	files := map[string]string{}
	for i := range 50 {
		files[fmt.Sprintf("d%d/f%d", i%7, i)] = strings.Repeat(fmt.Sprint(i), 20*i)
	}
	_, sig, key := signed(t, hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 100}), files)
	c, b := verifier(key), must(bundle.ReadFile(sig))
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			r := must(c.Receive(t.Context(), b))
			var wg sync.WaitGroup
			for path, data := range files {
				wg.Go(func() {
					put := putAll
					if len(data)%3 == 0 {
						put = putRanges
					}
					if err := put(r, path, data); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if _, err := r.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// The name in a signature is the signer's to choose, and an error is one short line.
func TestReceiveName(t *testing.T) {
	key := newKey(t, elliptic.P256())
	m := must(hashing.Hash(tree(t, small)))
	m.Name = "x\nlevel=INFO \x1b[2J" + strings.Repeat("A", 1<<20)
	b := sign(t, key, must(bundle.MarshalStatement(m)))
	r, err := verifier(key).Receive(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	_, created := r.Create("unsigned")
	_, done := r.Close()
	for _, err := range []error{created, done} {
		if err == nil || len(err.Error()) > 1000 || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("got %.300v", err)
		}
	}
}
