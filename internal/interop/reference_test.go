package interop_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

// A reference runs the reference implementation.
type reference struct {
	t      *testing.T
	python string
}

func newReference(t *testing.T) reference {
	t.Helper()
	python := os.Getenv("MODEL_SIGNING_PYTHON")
	if python == "" {
		t.Skip("MODEL_SIGNING_PYTHON names no Python with the reference; go run ./internal/check installs it")
	}
	return reference{t, python}
}

func (r reference) run(args ...string) (string, error) {
	cmd := exec.Command(r.python, args...)
	cmd.Env = append(os.Environ(), "PYTHONUTF8=1", "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// command runs the reference's command line.
func (r reference) command(args ...string) (string, error) {
	return r.run(append([]string{"-m", "model_signing"}, args...)...)
}

// script runs testdata/reference.py.
func (r reference) script(args ...string) (string, error) {
	return r.run(append([]string{filepath.Join("testdata", "reference.py")}, args...)...)
}

// must is for what the reference has to accept.
func (r reference) must(out string, err error) string {
	r.t.Helper()
	if err != nil {
		r.t.Fatalf("the reference: %v\n%s", err, out)
	}
	return out
}

// refuses is for what the reference has to refuse, saying one thing.
func (r reference) refuses(want, out string, err error) {
	r.t.Helper()
	if err == nil {
		r.t.Errorf("the reference accepts it now: take it off the list in the README. It says %s", out)
	} else if !strings.Contains(out, want) {
		r.t.Errorf("the reference says %s, want %q", out, want)
	}
}

// Keys are files of a key pair.
type keys struct{ private, public string }

func newKeys(t *testing.T, curve elliptic.Curve) keys {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	k := keys{filepath.Join(dir, "key.priv"), filepath.Join(dir, "key.pub")}
	write(t, k.private, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	write(t, k.public, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})))
	return k
}

func write(t *testing.T, name, data string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(data), 0o666); err != nil {
		t.Fatal(err)
	}
}

// nested is a model whose names come in another order by string than by path component, and in which there are
// other alphabets, spaces, characters that JSON escapes, an empty file, and git's own files above and below.
var nested = map[string]string{
	"a-b":                           "1",
	"a.b":                           "2",
	"a/b":                           "3",
	"a/b c/d  e":                    "spaces",
	"config.json":                   "{}",
	"empty":                         "",
	"sub/empty.safetensors":         "",
	"tokenizer.json":                "{}",
	"tokenizer/vocab.json":          "[]",
	"model-00001.safetensors":       strings.Repeat("weights ", 100),
	"model-00002.safetensors":       strings.Repeat("more ", 100),
	"Übergröße/模型.bin":              "composed",
	"u\u0308/e\u0301":               "decomposed",
	"\U0001F917/\uFF5E":             "beyond and below the surrogates",
	"quotes/it's \"<&>\" \u2028 \\": "escapes",
	".gitattributes":                "ignored",
	".git/HEAD":                     "ignored",
	"sub/.gitignore":                "not ignored",
	".hidden/file":                  "not ignored",
}

// flat is a model whose names come in the same order in both ways.
var flat = map[string]string{"config.json": "{}", "model.safetensors": "weights", "tokenizer.json": "{}"}

func newModel(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	for name, data := range files {
		write(t, filepath.Join(dir, filepath.FromSlash(name)), data)
	}
	return dir
}

// sign signs with this library, and returns the signature's path.
func sign(t *testing.T, model string, k keys, h hashing.Configuration) string {
	t.Helper()
	signature := filepath.Join(t.TempDir(), "model.sig")
	err := signing.Config().
		UseEllipticKeySigner(signing.EllipticKey{PrivateKey: k.private}).
		SetHashingConfig(h).
		Sign(model, signature)
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

// verify verifies with this library.
func verify(t *testing.T, model, signature string, k keys) *verifying.Result {
	t.Helper()
	result, err := verifying.Config().
		UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: k.public}).
		Verify(model, signature)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func options(t *testing.T, o map[string]any) string {
	t.Helper()
	data, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
