//go:build cgo

package signing_test

import (
	"crypto/elliptic"
	"errors"
	"path/filepath"
	"testing"

	"github.com/modelsigning/modelsigning/internal/pkcs11/softhsm"
	"github.com/modelsigning/modelsigning/signing"
)

// A token is opened before the first byte, and given back after the signature, or when there won't be any.
func TestRecordPKCS11(t *testing.T) {
	module := softhsm.Module(t)
	token := softhsm.NewToken(t, module, "release keys")
	key := generate(t, elliptic.P256())
	token.Import(t, key, "k", "k")
	c := signing.Config().UsePKCS11Signer(signing.PKCS11{URI: "pkcs11:token=release%20keys;object=k?module-path=" + module, PIN: softhsm.PIN})
	wrong := signing.Config().UsePKCS11Signer(signing.PKCS11{URI: "pkcs11:token=release%20keys;object=other?module-path=" + module, PIN: softhsm.PIN})
	if _, err := wrong.Record(t.Context(), "model"); err == nil {
		t.Error("a key that is not there is noticed too late")
	}
	for _, sign := range []bool{false, true} {
		r, err := c.Record(t.Context(), "model")
		if err != nil {
			t.Fatal(err)
		}
		model := t.TempDir()
		w, err := r.Create("weights.bin")
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Write([]byte("0123456789"))
		write(t, filepath.Join(model, "weights.bin"), "0123456789")
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		if sign {
			b, err := r.Sign()
			if err != nil {
				t.Fatal(err)
			}
			signature := filepath.Join(t.TempDir(), "model.sig")
			if err := b.WriteFile(signature); err != nil {
				t.Fatal(err)
			}
			checkVerifies(t, model, signature, publicFile(t, key))
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}
