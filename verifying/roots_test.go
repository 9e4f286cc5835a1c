package verifying_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/certtest"
	"github.com/modelsigning/modelsigning/verifying"
)

// What is given is a root if it is self-signed or the caller says so, and not otherwise.
func TestRoots(t *testing.T) {
	root := certtest.Root(t)
	ca := certtest.Authority(t, root, "intermediate")
	leaf := certtest.Leaf(t, ca)
	// Bears its issuer's name, and is not self-signed.
	namesake := certtest.Authority(t, root, "root")
	full, bare := signedBy(t, leaf, ca), signedBy(t, leaf)
	pool := func(certs ...*certtest.Cert) *x509.CertPool {
		p := x509.NewCertPool()
		for _, c := range certs {
			p.AddCert(c.Certificate)
		}
		return p
	}
	files := func(certs ...*certtest.Cert) []string { return []string{certtest.Files(t, certs...)} }
	for _, c := range []struct {
		name string
		o    verifying.Certificate
		b    *bundle.Bundle
		ok   bool
	}{
		{"one file", verifying.Certificate{CertificateChain: files(ca, root)}, bare, true},
		{"two files", verifying.Certificate{CertificateChain: append(files(ca), files(root)...)}, bare, true},
		{"DER", verifying.Certificate{CertificateChain: []string{der(t, root)}}, full, true},
		{"root alone", verifying.Certificate{CertificateChain: files(root)}, bare, false},
		{"pool", verifying.Certificate{Roots: pool(root)}, full, true},
		{"pool and file", verifying.Certificate{Roots: pool(root), CertificateChain: files(ca)}, bare, true},
		{"intermediate in the pool", verifying.Certificate{Roots: pool(ca)}, bare, true},
		{"leaf in the pool", verifying.Certificate{Roots: pool(leaf)}, bare, true},
		{"intermediate and the pool of another", verifying.Certificate{Roots: pool(certtest.Root(t)), CertificateChain: files(ca)}, full, false},
		{"intermediate and another root", verifying.Certificate{CertificateChain: files(ca, certtest.Root(t))}, full, false},
		{"trusted intermediate", verifying.Certificate{CertificateChain: files(ca), TrustIntermediates: true}, bare, true},
		{"trusted leaf", verifying.Certificate{CertificateChain: files(leaf), TrustIntermediates: true}, bare, true},
	} {
		if _, err := open(t, c.o, c.b); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		} else if err != nil && !errors.Is(err, verifying.ErrCertificate) {
			t.Errorf("%s: %v is no %v", c.name, err, verifying.ErrCertificate)
		}
	}
	for name, chain := range map[string][]*certtest.Cert{"intermediate": {ca}, "leaf": {leaf}, "namesake": {namesake}} {
		err := verifying.Config().UseCertificateVerifier(verifying.Certificate{CertificateChain: files(chain...)}).Err()
		if err == nil || !strings.Contains(err.Error(), "none of the certificate chain is self-signed") {
			t.Errorf("%s alone: %v", name, err)
		}
	}
	given := pool(root)
	before := given.Clone()
	_ = verifying.Config().UseCertificateVerifier(verifying.Certificate{Roots: given, CertificateChain: files(certtest.Root(t))})
	if !given.Equal(before) {
		t.Error("the caller's pool is changed")
	}
}

func der(t *testing.T, c *certtest.Cert) string {
	name := filepath.Join(t.TempDir(), "cert.der")
	write(t, name, string(c.Raw))
	return name
}

// Without roots of the caller's, a web server's certificate must not do, and nobody's may without being named.
func TestSystemRoots(t *testing.T) {
	if err := verifying.Config().UseCertificateVerifier(verifying.Certificate{}).Err(); err == nil || !strings.Contains(err.Error(), "say whose signature is expected") {
		t.Errorf("no roots and no identity: %v", err)
	}
	system, err := x509.SystemCertPool()
	if err != nil {
		t.Fatal(err)
	}
	if err := verifying.Config().UseCertificateVerifier(verifying.Certificate{Roots: system}).Err(); err == nil {
		t.Error("the system's roots as a pool need no identity")
	}
	more := must(x509.SystemCertPool())
	more.AddCert(certtest.Root(t).Certificate)
	if err := verifying.Config().UseCertificateVerifier(verifying.Certificate{Roots: more}).Err(); err == nil {
		t.Error("the system's roots and one's own in a pool need no identity")
	}
	own := trusting(t, certtest.Root(t))
	own.Roots = system
	if err := verifying.Config().UseCertificateVerifier(own).Err(); err == nil {
		t.Error("the system's roots beside one's own need no identity")
	}
	// On macOS and Windows the system's roots are a mark of the pool, and none of its certificates.
	elsewhere := x509.NewCertPool()
	mark := reflect.ValueOf(elsewhere).Elem().FieldByName("systemPool")
	reflect.NewAt(mark.Type(), mark.Addr().UnsafePointer()).Elem().SetBool(true)
	for range 2 {
		if err := verifying.Config().UseCertificateVerifier(verifying.Certificate{Roots: elsewhere}).Err(); err == nil {
			t.Error("the roots of macOS or Windows as a pool need no identity")
		}
		own.Roots = elsewhere
		if err := verifying.Config().UseCertificateVerifier(own).Err(); err == nil {
			t.Error("the roots of macOS or Windows beside one's own need no identity")
		}
		elsewhere.AddCert(certtest.Root(t).Certificate)
	}
	if runtime.GOOS != "linux" {
		t.Skip("only here can a test choose the system's roots")
	}
	// crypto/x509 reads them once, so this takes another process.
	root := certtest.Root(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestSystemRootsChild$", "-test.v")
	cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+certtest.Files(t, root), "SSL_CERT_DIR="+t.TempDir(), "ROOT_KEY="+root.KeyFile(t))
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS: TestSystemRootsChild")) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestSystemRootsChild(t *testing.T) {
	if os.Getenv("ROOT_KEY") == "" {
		t.Skip("is run by TestSystemRoots")
	}
	root := readCert(t, os.Getenv("SSL_CERT_FILE"), os.Getenv("ROOT_KEY"))
	expected := verifying.ExpectedIdentity{Email: "signer@example.com"}
	for _, c := range []struct {
		name string
		leaf *certtest.Cert
		want refusal
	}{
		{"codeSigning", certtest.Leaf(t, root), refusal{}},
		{"web server", certtest.Leaf(t, root, certtest.Usage(x509.KeyUsageDigitalSignature, x509.ExtKeyUsageServerAuth)), refusal{verifying.ErrCertificate, "does not have the extended key usage codeSigning"}},
		{"no extended usage", certtest.Leaf(t, root, certtest.Usage(x509.KeyUsageDigitalSignature)), refusal{verifying.ErrCertificate, "does not have the extended key usage codeSigning"}},
		{"any usage", certtest.Leaf(t, root, certtest.Usage(x509.KeyUsageDigitalSignature, x509.ExtKeyUsageAny)), refusal{verifying.ErrCertificate, "does not have the extended key usage codeSigning"}},
		{"somebody else", certtest.Leaf(t, root, certtest.Template(func(c *x509.Certificate) { c.EmailAddresses = nil })), refusal{verifying.ErrIdentity, "email"}},
		{"another root", certtest.Leaf(t, certtest.Root(t)), refusal{verifying.ErrCertificate, "no chain leads from"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := signedBy(t, c.leaf)
			_, err := open(t, verifying.Certificate{Expected: expected}, b)
			c.want.check(t, err)
			_, err = open(t, verifying.Certificate{Expected: expected, Roots: must(x509.SystemCertPool())}, b)
			c.want.check(t, err)
			_, err = open(t, verifying.Certificate{Expected: expected, CertificateChain: []string{os.Getenv("SSL_CERT_FILE")}}, b)
			c.want.check(t, err)
		})
	}
	for name, o := range map[string]verifying.Certificate{
		"their file":               {CertificateChain: []string{os.Getenv("SSL_CERT_FILE")}},
		"their file, and no roots": {CertificateChain: []string{os.Getenv("SSL_CERT_FILE")}, Roots: x509.NewCertPool()},
	} {
		if err := verifying.Config().UseCertificateVerifier(o).Err(); err == nil {
			t.Errorf("%s needs no identity", name)
		}
	}
}

func readCert(t *testing.T, cert, key string) *certtest.Cert {
	t.Helper()
	pair := must(tlsPair(cert, key))
	return &certtest.Cert{Certificate: pair.Leaf, Key: pair.PrivateKey.(*ecdsa.PrivateKey)}
}
