package signing_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/signing"
)

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func config(t testing.TB) signing.Configuration {
	return signing.Config().UseEllipticKeySigner(signing.EllipticKey{Key: newKey(t)})
}

func write(t testing.TB, name, content string) string {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, []byte(content), 0o666)); err != nil {
		t.Fatal(err)
	}
	return name
}

// newModel returns a directory with a model in it.
func newModel(t testing.TB) string {
	model := filepath.Join(t.TempDir(), "model")
	write(t, filepath.Join(model, "weights.bin"), "0123456789")
	write(t, filepath.Join(model, "__init__.py"), "")
	write(t, filepath.Join(model, "sub", "config.json"), "{}")
	return model
}

// unhashed is a hashing configuration that fails the test if anything is hashed.
func unhashed(t *testing.T) hashing.Configuration {
	return hashing.Config().SetProgress(func(hashing.Progress) { t.Error("hashed before it was refused") })
}

func parse(t *testing.T, statement []byte) *manifest.Manifest {
	m, err := bundle.ParseStatement(statement)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A manifest is not signed for who has stopped waiting.
func TestSignManifestCanceled(t *testing.T) {
	m, err := hashing.Hash(newModel(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := signing.Config().UseSigner(signerFunc(func([]byte) (*bundle.Bundle, error) {
		t.Error("the signer was asked")
		return nil, errors.New("asked")
	}))
	if _, err := c.SignManifest(ctx, m); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A signer of somebody else's that returns nonsense writes nothing.
func TestSignerReturnsNonsense(t *testing.T) {
	model := newModel(t)
	name := filepath.Join(filepath.Dir(model), "model.sig")
	for what, b := range map[string]func(statement []byte) *bundle.Bundle{
		"nothing":           func([]byte) *bundle.Bundle { return nil },
		"another statement": func([]byte) *bundle.Bundle { return bundle.NewKey([]byte("{}"), []byte{1}, "00") },
		"no signature":      func(s []byte) *bundle.Bundle { return bundle.NewKey(s, nil, "00") },
		"no material":       func(s []byte) *bundle.Bundle { return bundle.New(s, []byte{1}, nil) },
	} {
		err := signing.Config().UseSigner(signerFunc(func(s []byte) (*bundle.Bundle, error) { return b(s), nil })).Sign(model, name)
		if err == nil {
			t.Errorf("%s: got no error", what)
		}
		if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: a file was written", what)
		}
	}
}

// Keys that are not there are errors.
func TestNilKeys(t *testing.T) {
	for _, key := range []crypto.Signer{(*ecdsa.PrivateKey)(nil), (*rsa.PrivateKey)(nil), &ecdsa.PrivateKey{}, &ecdsa.PrivateKey{PublicKey: ecdsa.PublicKey{Curve: elliptic.P256()}}} {
		if c := signing.Config().UseEllipticKeySigner(signing.EllipticKey{Key: key}); c.Err() == nil {
			t.Errorf("%T: got no error", key)
		}
		if c := signing.Config().UseCertificateSigner(signing.Certificate{Key: key, SigningCertificate: "none"}); c.Err() == nil {
			t.Errorf("%T with a certificate: got no error", key)
		}
	}
}

// A signer that fails leaves the old signature as it was.
func TestOldSignatureSurvives(t *testing.T) {
	model := newModel(t)
	name := filepath.Join(model, "model.sig")
	if err := config(t).Sign(model, name); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(name)
	failure := errors.New("no signature today")
	err := signing.Config().UseSigner(signerFunc(func([]byte) (*bundle.Bundle, error) { return nil, failure })).Sign(model, name)
	if !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	if after, _ := os.ReadFile(name); string(after) != string(before) {
		t.Error("the old signature was changed")
	}
	if entries, _ := os.ReadDir(model); len(entries) != 4 {
		t.Errorf("temporary files are left: %v", entries)
	}
}

type signerFunc func(statement []byte) (*bundle.Bundle, error)

func (f signerFunc) Sign(_ context.Context, statement []byte) (*bundle.Bundle, error) {
	return f(statement)
}

func TestErrors(t *testing.T) {
	model := newModel(t)
	for want, c := range map[string]signing.Configuration{
		"no signer configured":                    signing.Config(),
		"neither PrivateKey nor Key is set":       signing.Config().UseEllipticKeySigner(signing.EllipticKey{}),
		"no/key.priv: no such file":               signing.Config().UseEllipticKeySigner(signing.EllipticKey{PrivateKey: "no/key.priv"}),
		"RSA keys are not supported":              signing.Config().UseEllipticKeySigner(signing.EllipticKey{Key: rsaKey(t)}),
		"Ed25519 keys are not supported":          signing.Config().UseEllipticKeySigner(signing.EllipticKey{Key: edKey(t)}),
		"P-224 keys are not supported":            signing.Config().UseEllipticKeySigner(signing.EllipticKey{Key: p224Key(t)}),
		"does not verify with its own public key": signing.Config().UseEllipticKeySigner(signing.EllipticKey{Key: liar{newKey(t)}}),
		"signer configured":                       config(t).UseSigner(nil),
	} {
		if runtime.GOOS == "windows" && strings.Contains(want, "no such file") {
			continue // in other words
		}
		name := filepath.Join(filepath.Dir(model), "model.sig")
		err := c.Sign(model, name)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "signing "+model+": ") {
			t.Errorf("got %v, want %q", err, want)
		}
		if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: a file was written", want)
		}
	}
	if c := signing.Config().UseEllipticKeySigner(signing.EllipticKey{}); c.Err() == nil {
		t.Error("Err does not tell what UseEllipticKeySigner could not do")
	} else if c = c.UseEllipticKeySigner(signing.EllipticKey{Key: newKey(t)}); c.Err() != nil {
		t.Errorf("a later UseX does not replace the error: %v", c.Err())
	}
}

// liar signs something else.
type liar struct{ crypto.Signer }

func (l liar) Sign(r io.Reader, _ []byte, o crypto.SignerOpts) ([]byte, error) {
	return l.Signer.Sign(r, make([]byte, 32), o)
}

func rsaKey(t *testing.T) crypto.Signer {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func edKey(t *testing.T) crypto.Signer {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func p224Key(t *testing.T) crypto.Signer {
	key, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// The same model gives the same statement, wherever it lies and whenever it is hashed.
func TestDeterministic(t *testing.T) {
	var statements []string
	capture := signing.Config().UseSigner(signerFunc(func(statement []byte) (*bundle.Bundle, error) {
		statements = append(statements, string(statement))
		return bundle.NewKey(statement, []byte{1}, "00"), nil
	}))
	for range 2 {
		model := newModel(t)
		if err := capture.Sign(model, filepath.Join(model, "model.sig")); err != nil {
			t.Fatal(err)
		}
	}
	if statements[0] != statements[1] {
		t.Errorf("got %s and %s", statements[0], statements[1])
	}
	m, err := bundle.ParseStatement([]byte(statements[0]))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{".git", ".gitattributes", ".github", ".gitignore", "model.sig"}
	if got := m.Serialization.IgnorePaths; strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("recorded %q, want %q", got, want)
	}
}

// One configuration can be changed into others that do not know each other.
func TestConfigurationIsAValue(t *testing.T) {
	base := signing.Config()
	a := base.UseEllipticKeySigner(signing.EllipticKey{Key: newKey(t)})
	if base.UseEllipticKeySigner(signing.EllipticKey{}); base.Err() != nil || a.Err() != nil {
		t.Error("changing a copy changed the original")
	}
	m := &manifest.Manifest{Name: "m", Serialization: manifest.Serialization{Method: manifest.Files, Algorithm: manifest.SHA256}}
	if _, err := base.SignManifest(context.Background(), m); !errors.Is(err, signing.ErrNoSigner) {
		t.Errorf("got %v", err)
	}
	if _, err := a.SignManifest(context.Background(), m); err == nil || !strings.Contains(err.Error(), "resources") {
		t.Errorf("an empty manifest: got %v", err)
	}
}

// A logger gets the warnings of hashing whether it is set before the hashing configuration or after.
func TestLoggerInAnyOrder(t *testing.T) {
	model := newModel(t)
	if err := os.Symlink(t.TempDir(), filepath.Join(model, "out")); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	h := hashing.Config().SetAllowSymlinks(true)
	for _, order := range []func(signing.Configuration, *slog.Logger) signing.Configuration{
		func(c signing.Configuration, l *slog.Logger) signing.Configuration {
			return c.SetLogger(l).SetHashingConfig(h)
		},
		func(c signing.Configuration, l *slog.Logger) signing.Configuration {
			return c.SetHashingConfig(h).SetLogger(l)
		},
	} {
		var log bytes.Buffer
		c := order(config(t), slog.New(slog.NewTextHandler(&log, nil)))
		if err := c.Sign(model, filepath.Join(filepath.Dir(model), "model.sig")); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(log.String(), "out of the model") {
			t.Errorf("got the log %q", log.String())
		}
	}
}
