package keys_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/keys"
)

// The files in testdata were made with openssl, one with Python's cryptography; encrypted ones have the
// password "test" and hold the key of pkcs8.pem.
func TestReadPrivate(t *testing.T) {
	public, err := keys.ReadPublic("testdata/public.pem")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pkcs8.pem", "encrypted.pem", "encrypted-scrypt.pem", "encrypted-sha1.pem", "encrypted-python.pem"} {
		key, err := keys.ReadPrivate("testdata/"+name, "test")
		if err != nil {
			t.Error(err)
			continue
		}
		if !public.Equal(key.Public()) {
			t.Errorf("%s: is another key", name)
		}
	}
	if key, err := keys.ReadPrivate("testdata/with-parameters.pem", ""); err != nil {
		t.Error(err)
	} else if _, ok := key.Public().(*ecdsa.PublicKey); !ok {
		t.Errorf("got a %T", key.Public())
	}
}

func TestReadRefuses(t *testing.T) {
	junk := filepath.Join(t.TempDir(), "junk")
	huge := filepath.Join(t.TempDir(), "huge")
	for name, data := range map[string]string{junk: "not a key", huge: strings.Repeat("x", 2<<20)} {
		if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ name, password, want string }{
		{"testdata/encrypted.pem", "", "is encrypted, and no password was given"},
		{"testdata/encrypted.pem", "wrong", "wrong password"},
		{"testdata/encrypted-pbes1.pem", "test", "an encryption that is not known"},
		{"testdata/encrypted-old.pem", "test", "openssl pkcs8 -topk8"},
		{"testdata/public.pem", "", "is a public key"},
		{"testdata/certificate.pem", "", `holds a "CERTIFICATE"`},
		{"testdata/secp256k1.pem", "", "secp256k1 keys are not supported"},
		{"testdata/secp256k1-sec1.pem", "", "secp256k1 keys are not supported"},
		{"testdata/ed25519.pem", "", "Ed25519 keys are not supported"},
		{junk, "", "holds no PEM block with a key"},
		{huge, "", "is larger than"},
		{"testdata", "", "testdata"},
		{"none.pem", "", "none.pem"},
	} {
		_, err := keys.ReadPrivate(c.name, c.password)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.name) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
		if err != nil && c.password != "" && strings.Contains(err.Error(), c.password+"\"") {
			t.Errorf("%s: the error holds the password: %v", c.name, err)
		}
	}
	for _, c := range []struct{ name, want string }{
		{"testdata/pkcs8.pem", `holds a "PRIVATE KEY"`},
		{"testdata/certificate.pem", "verify with the certificate method"},
		{"testdata/secp256k1-public.pem", "secp256k1 keys are not supported"},
		{junk, "holds no PEM block with a key"},
		{huge, "is larger than"},
		{"none.pem", "none.pem"},
	} {
		if _, err := keys.ReadPublic(c.name); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// A private key, or a public one by value, is not said to be of another kind.
func TestCheck(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for want, key := range map[string]crypto.PublicKey{
		"the key is of type *ecdsa.PrivateKey, not *ecdsa.PublicKey": private,
		"the key is of type ecdsa.PublicKey, not *ecdsa.PublicKey":   private.PublicKey,
		"int keys are not supported":                                 1,
	} {
		if _, err := keys.Check(key); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// Release 0.2.0 of the Python reference encoded statements in another way, and used the curve's hash with keys and SHA-256
// with certificates.
func TestVerifyLegacy(t *testing.T) {
	statement := []byte(`{"predicateType":"https://model_signing/Digests/v0.1"}`)
	encoded, ok := bundle.LegacyPAE(statement)
	if !ok {
		t.Fatal("this is no statement of release 0.2.0")
	}
	for curve, own := range map[elliptic.Curve]crypto.Hash{
		elliptic.P256(): crypto.SHA256, elliptic.P384(): crypto.SHA384, elliptic.P521(): crypto.SHA512,
	} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		for _, hash := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
			h := hash.New()
			h.Write(encoded)
			sig, err := key.Sign(rand.Reader, h.Sum(nil), hash)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := keys.Verify(&key.PublicKey, statement, sig), hash == own || hash == crypto.SHA256; got != want {
				t.Errorf("%s with %v: got %t, want %t", curve.Params().Name, hash, got, want)
			}
		}
	}
}

// The hint is the SHA-256 of the file that openssl writes.
func TestHint(t *testing.T) {
	key, err := keys.ReadPublic("testdata/public.pem")
	if err != nil {
		t.Fatal(err)
	}
	got, err := keys.Hint(key)
	if want := "40be262498351a308e1b34a3a80cf033c160050f032930c073bd8a31a572cc01"; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}
