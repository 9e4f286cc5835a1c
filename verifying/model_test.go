package verifying_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

// tree writes files into a new directory and returns it.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	for name, content := range files {
		write(t, filepath.Join(dir, name), content)
	}
	return dir
}

func write(t testing.TB, name, content string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, []byte(content), 0o666)); err != nil {
		t.Fatal(err)
	}
}

var small = map[string]string{
	"config.json":          `{"layers": 2}`,
	"a/b":                  "1",
	"a-b":                  "2",
	"a.b":                  "3",
	"tokenizer.json":       "{}",
	"tokenizer/vocab.json": "{}",
	"weights.bin":          strings.Repeat("0123456789abcdef", 100),
	"naïve name":           "é",
	"empty":                "",
}

var curves = []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()}

func newKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func signer(key crypto.Signer) signing.Configuration {
	return signing.Config().UseEllipticKeySigner(signing.EllipticKey{Key: key})
}

func verifier(key *ecdsa.PrivateKey) verifying.Configuration {
	return verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{Key: key.Public()})
}

// signed returns a model, its signature beside it, and the key.
func signed(t testing.TB, h hashing.Configuration, files map[string]string) (model, sig string, key *ecdsa.PrivateKey) {
	t.Helper()
	model, key = tree(t, files), newKey(t, elliptic.P256())
	sig = filepath.Join(filepath.Dir(model), "model.sig")
	if err := signer(key).SetHashingConfig(h).Sign(model, sig); err != nil {
		t.Fatal(err)
	}
	return model, sig, key
}

// sign signs any statement with a P-256 key, as a signer would who means harm.
func sign(t testing.TB, key *ecdsa.PrivateKey, statement []byte) *bundle.Bundle {
	t.Helper()
	digest := sha256.Sum256(bundle.PAE(statement))
	sig, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return bundle.NewKey(statement, sig, hint(t, key))
}

// hint is the fingerprint that the format defines, made the way it is defined.
func hint(t testing.TB, key *ecdsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	return hex.EncodeToString(sum[:])
}
