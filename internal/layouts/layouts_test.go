package layouts_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

// files are a directory: content by path. A name that ends in a slash is a directory, and content that begins with
// "-> " makes a symbolic link.
type files map[string]string

func (f files) build(t testing.TB) (root string) {
	t.Helper()
	root = filepath.Join(t.TempDir(), "model")
	must(t, os.Mkdir(root, 0o777))
	for name, content := range f {
		put(t, root, name, content)
	}
	return root
}

func put(t testing.TB, root, name, content string) {
	t.Helper()
	p := filepath.Join(root, filepath.FromSlash(name))
	must(t, os.MkdirAll(filepath.Dir(p), 0o777))
	if target, ok := strings.CutPrefix(content, "-> "); ok {
		if err := os.Symlink(target, p); err != nil {
			t.Skip(err)
		}
	} else if strings.HasSuffix(name, "/") {
		must(t, os.MkdirAll(p, 0o777))
	} else {
		must(t, os.WriteFile(p, []byte(content), 0o666))
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return key
}

func signer(key *ecdsa.PrivateKey) signing.Configuration {
	return signing.Config().UseEllipticKeySigner(signing.EllipticKey{Key: key})
}

func verifier(key *ecdsa.PrivateKey) verifying.Configuration {
	return verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{Key: key.Public()})
}

// sign signs the model and returns the signature's name, outside of it, and how to verify it.
func sign(t testing.TB, model string, h hashing.Configuration) (sig string, v verifying.Configuration) {
	t.Helper()
	key := newKey(t)
	sig = filepath.Join(t.TempDir(), "model.sig")
	must(t, signer(key).SetHashingConfig(h).Sign(model, sig))
	return sig, verifier(key)
}

// An outcome is what verifying should come to. The lists of a success are in ignored and unsigned, those of a mismatch,
// by paths, in the others.
type outcome struct {
	changed, missing, extra, pointers []string
	ignored, unsigned                 []string
	is                                error  // which error it is, if it is no mismatch
	path                              string // the end of the path that it names
	says                              string // in its text
}

func (want outcome) check(t *testing.T, what string, r *verifying.Result, err error) {
	t.Helper()
	var mismatch *verifying.MismatchError
	var path *fs.PathError
	switch {
	case want.is != nil:
		if !errors.Is(err, want.is) || !errors.As(err, &path) || !strings.HasSuffix(filepath.ToSlash(path.Path), want.path) {
			t.Errorf("%s: got %v, want %v about %s", what, err, want.is, want.path)
		}
	case want.changed != nil || want.missing != nil || want.extra != nil:
		if !errors.As(err, &mismatch) {
			t.Errorf("%s: got %v", what, err)
			return
		}
		var changed []string
		for _, c := range mismatch.Changed {
			changed = append(changed, c.Name)
		}
		equal(t, what+": changed", changed, want.changed)
		equal(t, what+": missing", mismatch.Missing, want.missing)
		equal(t, what+": extra", mismatch.Extra, want.extra)
		equal(t, what+": pointers", mismatch.Pointers, want.pointers)
	case err != nil:
		t.Errorf("%s: got %v", what, err)
		return
	default:
		equal(t, what+": ignored", r.Ignored, want.ignored)
		equal(t, what+": unsigned", r.Unsigned, want.unsigned)
		return
	}
	if err == nil || !strings.Contains(err.Error(), want.says) {
		t.Errorf("%s: got %v, want it to say %s", what, err, want.says)
	}
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// A breakage is something that happens to a model after it was signed.
type breakage struct {
	name   string
	change func(t *testing.T, root string)
	want   outcome
}

// A layout is a model, what of it no signature covers, and what may happen to it.
type layout struct {
	files             files
	ignored, unsigned []string // unsigned with shards only
	breakages         []breakage
}

func (l layout) test(t *testing.T) {
	t.Helper()
	for name, h := range map[string]hashing.Configuration{
		"files":  hashing.Config(),
		"shards": hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 64, Algorithm: manifest.BLAKE3}),
	} {
		root := l.files.build(t)
		sig, v := sign(t, root, h)
		want := outcome{ignored: l.ignored}
		if name == "shards" {
			want.unsigned = l.unsigned
		}
		r, err := v.Verify(root, sig)
		want.check(t, name, r, err)
	}
	for _, b := range l.breakages {
		root := l.files.build(t)
		sig, v := sign(t, root, hashing.Config())
		b.change(t, root)
		r, err := v.Verify(root, sig)
		b.want.check(t, b.name, r, err)
	}
}

// These make breakages.

func write(name, content string) func(*testing.T, string) {
	return func(t *testing.T, root string) { put(t, root, name, content) }
}

func remove(name string) func(*testing.T, string) {
	return func(t *testing.T, root string) { must(t, os.RemoveAll(filepath.Join(root, name))) }
}

func swap(a, b string) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		a, b, aside := filepath.Join(root, a), filepath.Join(root, b), filepath.Join(root, "aside")
		must(t, errors.Join(os.Rename(a, aside), os.Rename(b, a), os.Rename(aside, b)))
	}
}

func truncate(name string, size int64) func(*testing.T, string) {
	return func(t *testing.T, root string) { must(t, os.Truncate(filepath.Join(root, name), size)) }
}

// flip changes one bit of a file.
func flip(name string, at int) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		name := filepath.Join(root, name)
		data, err := os.ReadFile(name)
		must(t, err)
		data[at] ^= 1
		must(t, os.WriteFile(name, data, 0o666))
	}
}

// link puts a link in the place of a file.
func link(name, target string) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		must(t, os.RemoveAll(filepath.Join(root, name)))
		put(t, root, name, "-> "+target)
	}
}
