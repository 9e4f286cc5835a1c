//go:build cgo

package signing_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/modelsigning/modelsigning/bundle/provenance"
	"github.com/modelsigning/modelsigning/internal/certtest"
	"github.com/modelsigning/modelsigning/internal/pkcs11/softhsm"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

// A key on a token signs provenance, with and without a certificate.
func TestPKCS11Provenance(t *testing.T) {
	module := softhsm.Module(t)
	leaf := certtest.Leaf(t, nil)
	softhsm.NewToken(t, module, "t").Import(t, leaf.Key, "k", "1")
	uri := "pkcs11:token=t;object=k?pin-value=" + softhsm.PIN + "&module-path=" + module
	build := provenance.Build{Builder: provenance.Builder{ID: "https://builder.example.com"}}
	for name, method := range map[string]struct {
		sign   signing.Configuration
		verify verifying.Configuration
	}{
		"key": {signing.Config().UsePKCS11Signer(signing.PKCS11{URI: uri}),
			verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{Key: leaf.Key.Public()})},
		"certificate": {signing.Config().UsePKCS11CertificateSigner(signing.PKCS11Certificate{URI: uri, SigningCertificate: certtest.Files(t, leaf)}),
			verifying.Config().UseCertificateVerifier(verifying.Certificate{CertificateChain: []string{certtest.Files(t, leaf)}})},
	} {
		model, attestation := newModel(t), filepath.Join(t.TempDir(), "model.intoto.jsonl")
		if err := method.sign.SignProvenance(t.Context(), model, attestation, build); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		policy := verifying.ProvenancePolicy{BuilderID: build.Builder.ID}
		if _, err := method.verify.VerifyProvenance(t.Context(), model, attestation, policy); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for what, files := range map[string]map[string]string{
			"swapped": {"weights.bin": "{}", "__init__.py": "", "sub/config.json": "0123456789"},
			"renamed": {"weights.bio": "0123456789", "__init__.py": "", "sub/config.json": "{}"},
			"deleted": {"weights.bin": "0123456789", "sub/config.json": "{}"},
			"added":   {"weights.bin": "0123456789", "__init__.py": "", "sub/config.json": "{}", "sub/more": ""},
		} {
			other := filepath.Join(t.TempDir(), "model")
			for file, content := range files {
				write(t, filepath.Join(other, file), content)
			}
			if _, err := method.verify.VerifyProvenance(t.Context(), other, attestation, policy); !errors.As(err, new(*verifying.MismatchError)) {
				t.Errorf("%s: %s: got error %v", name, what, err)
			}
		}
	}
}
