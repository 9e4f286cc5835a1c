//go:build cgo

package signing_test

import (
	"path/filepath"
	"testing"

	"github.com/modelsigning/modelsigning/internal/certtest"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

// Signatures of devices are stamped like others.
func TestPKCS11Timestamp(t *testing.T) {
	_, o, public := tokenFixture(t)
	tsa := certtest.NewTSA(t)
	model, signature := newModel(t), filepath.Join(t.TempDir(), "model.sig")
	chain := []string{certtest.Files(t, tsa.Root)}
	err := signing.Config().UsePKCS11Signer(o).
		SetTimestampAuthority(signing.TimestampAuthority{URL: tsa.Serve(t), CertificateChain: chain}).
		Sign(model, signature)
	if err != nil {
		t.Fatal(err)
	}
	r, err := verifying.Config().
		UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: public, TSACertificateChain: chain}).
		Verify(model, signature)
	if err != nil || r.Signer.Time.IsZero() {
		t.Errorf("got %+v, %v", r, err)
	}
}
