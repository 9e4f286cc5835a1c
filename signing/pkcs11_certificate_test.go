//go:build cgo

package signing_test

import (
	"context"
	"crypto/elliptic"
	"path/filepath"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/internal/certtest"
	"github.com/modelsigning/modelsigning/internal/pkcs11/softhsm"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

func checkCertified(t testing.TB, model, signature string, root *certtest.Cert) {
	t.Helper()
	o := verifying.Certificate{CertificateChain: []string{certtest.Files(t, root)}}
	if _, err := verifying.Config().UseCertificateVerifier(o).Verify(model, signature); err != nil {
		t.Error(err)
	}
}

func TestPKCS11Certificate(t *testing.T) {
	module := softhsm.Module(t)
	token := softhsm.NewToken(t, module, "t")
	model := newModel(t)
	root := certtest.Root(t)
	authority := certtest.Authority(t, root, "authority")
	chain := certtest.Files(t, authority)
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		name := curve.Params().Name
		leaf := certtest.Leaf(t, authority, certtest.Curve(t, curve))
		token.Import(t, leaf.Key, name, name)
		token.ImportCertificate(t, leaf.Certificate, name, name)
		token.Import(t, leaf.Key, "certificate only", "bare "+name, "--no-public-key")
		token.ImportCertificate(t, leaf.Certificate, "certificate only", "bare "+name)
		suffix := "?module-path=" + module + "&pin-value=" + softhsm.PIN
		for _, o := range []signing.PKCS11Certificate{
			{URI: "pkcs11:token=t;object=" + name + suffix, SigningCertificate: certtest.Files(t, leaf), CertificateChain: []string{chain}},
			{URI: "pkcs11:token=t;object=" + name + suffix, SigningCertificate: certtest.Files(t, leaf, authority)},
			{URI: "pkcs11:token=t;id=" + name + suffix, CertificateChain: []string{chain}},
			{URI: "pkcs11:token=t;id=bare%20" + name + suffix, CertificateChain: []string{chain}},
		} {
			signature := filepath.Join(t.TempDir(), "model.sig")
			if err := signing.Config().UsePKCS11CertificateSigner(o).Sign(model, signature); err != nil {
				t.Errorf("%v: %v", o, err)
				continue
			}
			checkCertified(t, model, signature, root)
		}
	}
}

func TestPKCS11CertificateRefused(t *testing.T) {
	module := softhsm.Module(t)
	token := softhsm.NewToken(t, module, "t")
	root := certtest.Root(t)
	leaf, other := certtest.Leaf(t, root), certtest.Leaf(t, root)
	expired := certtest.Leaf(t, root, certtest.Valid(-2*time.Hour, -time.Hour))
	token.Import(t, leaf.Key, "leaf", "leaf")
	token.Import(t, expired.Key, "expired", "expired")
	token.ImportCertificate(t, expired.Certificate, "expired", "expired")
	// Errors of files are found at once, those of the device when it is opened, before hashing.
	for _, test := range []struct {
		object, cert, chain string
		early               bool
		want                string
	}{
		{"leaf", certtest.Files(t, other), "", false, "is for another key than the private key"},
		{"leaf", "", "", false, "has no certificate for the key"},
		{"expired", "", "", false, "expired on"},
		{"expired", certtest.Files(t, expired), "", true, "expired on"},
		{"leaf", filepath.Join(t.TempDir(), "absent.pem"), "", true, "absent.pem"},
		{"leaf", certtest.Files(t, leaf), certtest.Files(t, certtest.Root(t)), true, "signing certificate: "},
	} {
		o := signing.PKCS11Certificate{
			URI: "pkcs11:token=t;object=" + test.object + "?module-path=" + module, PIN: softhsm.PIN, SigningCertificate: test.cert,
		}
		if test.chain != "" {
			o.CertificateChain = []string{test.chain}
		}
		c := signing.Config().UsePKCS11CertificateSigner(o)
		if (c.Err() != nil) != test.early {
			t.Errorf("%s: got %v, want an error at once: %v", test.want, c.Err(), test.early)
		}
		_, err := c.SignManifest(context.Background(), &manifest.Manifest{Name: "model"})
		checkError(t, test.want, err, test.want)
	}
}

// certificateFix is the reference implementation with the one function mended because of which release 1.1.1 can't
// sign with a certificate and a token at all: it gives its bundle DER where base64 is wanted, and no tlog_entries.
const certificateFix = `
import base64
from cryptography.hazmat.primitives.serialization import Encoding
from model_signing._signing import sign_pkcs11
from sigstore_models.bundle import v1 as bundle_pb
from sigstore_models.common import v1 as common_pb

def material(self):
    ders = [c.public_bytes(Encoding.DER) for c in [self._signing_certificate, *self._trust_chain]]
    certs = [common_pb.X509Certificate(raw_bytes=base64.b64encode(d)) for d in ders]
    return bundle_pb.VerificationMaterial(
        x509_certificate_chain=common_pb.X509CertificateChain(certificates=certs), tlog_entries=[])

sign_pkcs11.CertSigner._get_verification_material = material
from model_signing._cli import main
main()
`

func TestPKCS11CertificatePython(t *testing.T) {
	python(t)
	module := softhsm.Module(t)
	token := softhsm.NewToken(t, module, "t")
	model := newModel(t)
	root := certtest.Root(t)
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		name := curve.Params().Name
		leaf := certtest.Leaf(t, root, certtest.Curve(t, curve))
		token.Import(t, leaf.Key, name, name)
		uri := "pkcs11:token=t;object=" + name + "?module-path=" + module + "&pin-value=" + softhsm.PIN
		cert, chain := certtest.Files(t, leaf), certtest.Files(t, root)
		ours, theirs := filepath.Join(t.TempDir(), "ours.sig"), filepath.Join(t.TempDir(), "theirs.sig")
		o := signing.PKCS11Certificate{URI: uri, SigningCertificate: cert}
		if err := signing.Config().UsePKCS11CertificateSigner(o).Sign(model, ours); err != nil {
			t.Fatal(err)
		}
		runPython(t, "-m", "model_signing", "verify", "certificate", model, "--signature", ours, "--certificate_chain", chain)
		runPython(t, "-c", certificateFix, "sign", "pkcs11-certificate", model, "--signature", theirs, "--pkcs11_uri", uri,
			"--signing_certificate", cert, "--certificate_chain", chain)
		checkCertified(t, model, theirs, root)
	}
}
