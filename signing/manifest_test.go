package signing_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/signing"
)

func TestSignManifestTo(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(file("model"), []byte("weights"), 0o666); err != nil {
		t.Fatal(err)
	}
	m, err := hashing.Hash(file("model"))
	if err != nil {
		t.Fatal(err)
	}
	c := signing.Config().UseEllipticKeySigner(signing.EllipticKey{PrivateKey: "../internal/keys/testdata/pkcs8.pem"})
	for range 2 { // the second replaces the first
		if err := c.SignManifestTo(context.Background(), m, file("sig")); err != nil {
			t.Fatal(err)
		}
	}
	b, err := bundle.ReadFile(file("sig"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := bundle.ParseStatement(b.UnverifiedStatement()); err != nil || got.Root() != m.Root() {
		t.Errorf("got %v, %v", got, err)
	}
	if err := c.SignManifestTo(context.Background(), m, file("model")); !errors.Is(err, signing.ErrTarget) {
		t.Errorf("over something else: got %v", err)
	}
	if err := c.SignManifestTo(context.Background(), nil, file("sig")); err == nil {
		t.Error("nil: got no error")
	}
	if err := signing.Config().SignManifestTo(context.Background(), m, file("other")); !errors.Is(err, signing.ErrNoSigner) {
		t.Errorf("without a signer: got %v", err)
	}
	if _, err := os.Stat(file("other")); err == nil {
		t.Error("a file was left")
	}
}
