package verifying_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/internal/certtest"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

func ExampleConfiguration_UseCertificateVerifier() {
	result, err := verifying.Config().
		UseCertificateVerifier(verifying.Certificate{
			CertificateChain:    []string{"root.pem"},
			TSACertificateChain: []string{"tsa.pem"},
			Expected:            verifying.ExpectedIdentity{Email: "models@example.com"},
		}).
		Verify("finbert", "finbert.sig")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Signer.Subject, result.Signer.Time, result.Signer.TimeSource)
}

// statement is one that is signed in many ways.
var statement = must(bundle.MarshalStatement(&manifest.Manifest{
	Name:          "model",
	Serialization: manifest.Serialization{Method: manifest.Files, Algorithm: manifest.SHA256},
	Resources: []manifest.Resource{{
		Path:   "weights.bin",
		Digest: manifest.Digest{Algorithm: manifest.SHA256, Hex: strings.Repeat("00", 32)},
	}},
}))

// signedBy is what a signer who checks nothing makes with any certificates.
func signedBy(t testing.TB, leaf *certtest.Cert, others ...*certtest.Cert) *bundle.Bundle {
	t.Helper()
	digest := sha256.Sum256(bundle.PAE(statement))
	sum := digest[:]
	if k, ok := leaf.Key.(*ecdsa.PrivateKey); ok && k.Curve == elliptic.P384() {
		d := sha512.Sum384(bundle.PAE(statement))
		sum = d[:]
	} else if ok && k.Curve == elliptic.P521() {
		d := sha512.Sum512(bundle.PAE(statement))
		sum = d[:]
	}
	sig := must(leaf.Key.Sign(rand.Reader, sum, hashOf(len(sum))))
	return bundle.NewCertificate(statement, sig, ders(append([]*certtest.Cert{leaf}, others...)...))
}

func ders(certs ...*certtest.Cert) (chain [][]byte) {
	for _, c := range certs {
		chain = append(chain, c.Raw)
	}
	return chain
}

// trusting returns a verifier with these certificates in CertificateChain.
func trusting(t testing.TB, certs ...*certtest.Cert) verifying.Certificate {
	return verifying.Certificate{CertificateChain: []string{certtest.Files(t, certs...)}}
}

func open(t testing.TB, o verifying.Certificate, b *bundle.Bundle) (*verifying.Result, error) {
	t.Helper()
	c := verifying.Config().UseCertificateVerifier(o)
	if err := c.Err(); err != nil {
		t.Fatal(err)
	}
	return c.Open(context.Background(), b)
}

// A refusal is what an error must be and say.
type refusal struct {
	is   error // nil: accepted
	says string
}

func (want refusal) check(t *testing.T, err error) {
	t.Helper()
	switch {
	case want.is == nil && err != nil:
		t.Errorf("got %v, want it accepted", err)
	case !errors.Is(err, want.is):
		t.Errorf("got %v, want %v", err, want.is)
	case err != nil && !strings.Contains(err.Error(), want.says):
		t.Errorf("got %v, want it to say %q", err, want.says)
	}
}

// Every way in which a certificate or a chain can be wrong, and some in which it is odd and right.
func TestCertificateMatrix(t *testing.T) {
	root := certtest.Root(t)
	other := certtest.Root(t)
	ca := certtest.Authority(t, root, "intermediate")
	leaf := certtest.Leaf(t, ca)
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048))
	rsaRoot := certtest.Root(t, certtest.Key(rsaKey))
	usage := func(u x509.KeyUsage, e ...x509.ExtKeyUsage) *certtest.Cert {
		return certtest.Leaf(t, ca, certtest.Usage(u, e...))
	}
	template := certtest.Template
	notCA := certtest.Authority(t, root, "web server", template(func(c *x509.Certificate) { c.IsCA = false }))
	noCertSign := certtest.Authority(t, root, "no certSign", certtest.Usage(x509.KeyUsageDigitalSignature))
	short := certtest.Authority(t, root, "no more below", template(func(c *x509.Certificate) { c.MaxPathLenZero = true }))
	below := certtest.Authority(t, short, "too deep")
	upper := certtest.Authority(t, root, "upper")
	lower := certtest.Authority(t, upper, "lower")
	constrained := certtest.Authority(t, root, "constrained", template(func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedEmailAddresses = true, []string{"example.org"}
	}))
	sha1 := certtest.Authority(t, rsaRoot, "SHA-1", template(func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA }))
	weak := certtest.Authority(t, root, "weak", certtest.Key(must(rsa.GenerateKey(rand.Reader, 1024))))
	p224 := certtest.Authority(t, root, "P-224", certtest.Curve(t, elliptic.P224()))
	huge := certtest.Authority(t, root, "huge", hugeKey(t))
	expiredCA := certtest.Authority(t, root, "expired", certtest.Valid(-2*time.Hour, -time.Hour))
	self := certtest.Leaf(t, nil)
	unknown := template(func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
	})
	bad := verifying.ErrCertificate

	for _, c := range []struct {
		name  string
		b     *bundle.Bundle
		given *certtest.Cert // nil: root
		want  refusal
	}{
		{"leaf and intermediate", signedBy(t, leaf, ca), nil, refusal{}},
		{"P-384", signedBy(t, certtest.Leaf(t, root, certtest.Curve(t, elliptic.P384()))), nil, refusal{}},
		{"P-521", signedBy(t, certtest.Leaf(t, root, certtest.Curve(t, elliptic.P521()))), nil, refusal{}},
		{"RSA root", signedBy(t, certtest.Leaf(t, rsaRoot)), rsaRoot, refusal{}},
		{"root inside the chain", signedBy(t, leaf, ca, root), nil, refusal{}},
		{"root inside the chain alone", signedBy(t, leaf, ca, root), other, refusal{bad, "no chain leads from"}},
		{"shuffled chain", signedBy(t, certtest.Leaf(t, lower), root, ca, lower, root, upper), nil, refusal{}},
		{"shuffled chain with others", signedBy(t, leaf, root, other, ca), nil, refusal{}},
		{"leaf not first", signedBy(t, ca, leaf, root), nil, refusal{bad, `"CN=signer,O=Example" is not an authority's`}},
		{"intermediate first", signedBy(t, ca, root), nil, refusal{bad, "its key usage is keyCertSign, cRLSign, without digitalSignature"}},
		{"leaf twice", signedBy(t, leaf, ca, leaf, ca), nil, refusal{}},
		{"two leaves", signedBy(t, leaf, ca, certtest.Leaf(t, ca)), nil, refusal{bad, "is not an authority's"}},
		{"no intermediate", signedBy(t, leaf), nil, refusal{bad, `issued by "CN=intermediate,O=Example"`}},
		{"intermediate given as root", signedBy(t, leaf, ca), self, refusal{bad, "no chain leads from"}},
		{"self-signed leaf", signedBy(t, self), self, refusal{}},
		{"self-signed leaf, not given", signedBy(t, self), nil, refusal{bad, "no chain leads from"}},
		{"self-signed leaf expired", signedBy(t, expiredSelf(t)), nil, refusal{bad, "expired on"}},

		{"expired", signedBy(t, certtest.Leaf(t, ca, certtest.Valid(-2*time.Hour, -time.Hour)), ca), nil, refusal{bad, "no timestamp proves that the signature is older"}},
		{"not yet valid", signedBy(t, certtest.Leaf(t, ca, certtest.Valid(time.Hour, 2*time.Hour)), ca), nil, refusal{bad, "is before"}},
		{"expired intermediate", signedBy(t, certtest.Leaf(t, expiredCA), expiredCA), nil, refusal{bad, `"CN=expired,O=Example": x509: certificate has expired`}},
		{"wrong usage", signedBy(t, usage(x509.KeyUsageKeyAgreement), ca), nil, refusal{bad, "its key usage is keyAgreement, without digitalSignature"}},
		{"wrong usage, codeSigning", signedBy(t, usage(x509.KeyUsageContentCommitment, x509.ExtKeyUsageCodeSigning), ca), nil, refusal{bad, "its key usage is nonRepudiation, without digitalSignature"}},
		{"no usage", signedBy(t, usage(0), ca), nil, refusal{bad, "neither the key usage digitalSignature nor the extended key usage codeSigning"}},
		{"no usage, any", signedBy(t, usage(0, x509.ExtKeyUsageAny), ca), nil, refusal{bad, "neither the key usage"}},
		{"no usage, web server", signedBy(t, usage(0, x509.ExtKeyUsageServerAuth), ca), nil, refusal{bad, "neither the key usage"}},
		{"no usage, codeSigning", signedBy(t, usage(0, x509.ExtKeyUsageCodeSigning), ca), nil, refusal{}},
		{"digitalSignature alone", signedBy(t, usage(x509.KeyUsageDigitalSignature), ca), nil, refusal{}},
		{"unknown critical extension", signedBy(t, certtest.Leaf(t, ca, unknown), ca), nil, refusal{bad, "unhandled critical extension"}},
		{"CA:FALSE intermediate", signedBy(t, certtest.Leaf(t, notCA), notCA), nil, refusal{bad, `"CN=web server,O=Example" is not an authority's`}},
		{"intermediate without keyCertSign", signedBy(t, certtest.Leaf(t, noCertSign), noCertSign), nil, refusal{bad, "invalid signature: parent certificate cannot sign this kind of certificate"}},
		{"path length", signedBy(t, certtest.Leaf(t, below), short, below), nil, refusal{bad, "too many intermediates for path length constraint"}},
		{"name constraints", signedBy(t, certtest.Leaf(t, constrained), constrained), nil, refusal{bad, "not authorized to sign for this name"}},

		{"SHA-1", signedBy(t, certtest.Leaf(t, rsaRoot, template(func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA }))), rsaRoot, refusal{bad, "is signed with SHA1-RSA, which is not secure"}},
		{"SHA-1 intermediate", signedBy(t, certtest.Leaf(t, sha1), sha1), rsaRoot, refusal{bad, "insecure algorithm SHA1-RSA"}},
		{"RSA leaf", signedBy(t, certtest.Leaf(t, ca, certtest.Key(rsaKey)), ca), nil, refusal{bad, "RSA keys are not supported"}},
		{"P-224 leaf", signedBy(t, certtest.Leaf(t, ca, certtest.Curve(t, elliptic.P224())), ca), nil, refusal{bad, "P-224 keys are not supported"}},
		{"RSA intermediate of 1024 bits", signedBy(t, certtest.Leaf(t, weak), weak), nil, refusal{bad, "RSA keys of 1024 bits are not supported"}},
		{"P-224 intermediate", signedBy(t, certtest.Leaf(t, p224), p224), nil, refusal{bad, "P-224 keys are not supported"}},
		{"RSA intermediate of 16384 bits", signedBy(t, leaf, ca, huge), nil, refusal{bad, "RSA keys of 16384 bits are not supported"}},
		{"other key", bundle.NewCertificate(statement, signedBy(t, self).Signature(), ders(leaf, ca)), nil, refusal{verifying.ErrSignature, "with the key of"}},
		{"other statement", bundle.NewCertificate(append(statement[:len(statement):len(statement)], ' '), signedBy(t, leaf).Signature(), ders(leaf, ca)), nil, refusal{verifying.ErrSignature, ""}},
		{"garbage after the certificate", bundle.NewCertificate(statement, signedBy(t, leaf).Signature(), [][]byte{append(slices.Clone(leaf.Raw), 0), ca.Raw}), nil, refusal{bad, "certificates[0]: x509: trailing data"}},
		{"garbage after an intermediate", bundle.NewCertificate(statement, signedBy(t, leaf).Signature(), [][]byte{leaf.Raw, append(slices.Clone(ca.Raw), 0)}), nil, refusal{bad, "certificates[1]: x509: trailing data"}},
		{"garbage", bundle.NewCertificate(statement, signedBy(t, leaf).Signature(), [][]byte{{1}}), nil, refusal{bad, "certificates[0]: x509: malformed certificate"}},
		{"no certificate", bundle.NewCertificate(statement, signedBy(t, leaf).Signature(), nil), nil, refusal{bad, "certificates: there is none"}},
		{"key", bundle.NewKey(statement, signedBy(t, leaf).Signature(), "00"), nil, refusal{verifying.ErrMethod, "the signature is by key, and the verifier is for certificate"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			given := c.given
			if given == nil {
				given = root
			}
			_, err := open(t, trusting(t, given), c.b)
			c.want.check(t, err)
		})
	}
}

func expiredSelf(t *testing.T) *certtest.Cert {
	return certtest.Leaf(t, nil, certtest.Valid(-2*time.Hour, -time.Hour))
}

// The way through both packages, and what the result says of the signer.
func TestCertificateRoundTrip(t *testing.T) {
	root := certtest.Root(t)
	ca := certtest.Authority(t, root, "intermediate")
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		leaf := certtest.Leaf(t, ca, certtest.Curve(t, curve))
		model := tree(t, small)
		sig := filepath.Join(model, "model.sig")
		err := signing.Config().UseCertificateSigner(signing.Certificate{
			PrivateKey:         leaf.KeyFile(t),
			SigningCertificate: certtest.Files(t, leaf),
			CertificateChain:   []string{certtest.Files(t, root, ca)},
		}).Sign(model, sig)
		if err != nil {
			t.Fatal(err)
		}
		b := must(bundle.ReadFile(sig))
		if got, want := b.Certificates(), ders(leaf, ca, root); !slices.EqualFunc(got, want, bytes.Equal) {
			t.Errorf("%s: the certificates in the bundle are not leaf, intermediate, root", curve.Params().Name)
		}
		r, err := verifying.Config().UseCertificateVerifier(trusting(t, root)).Verify(model, sig)
		if err != nil {
			t.Fatal(err)
		}
		s := r.Signer
		if s.Method != bundle.Certificate || s.Subject != "CN=signer,O=Example" || s.Issuer != "CN=intermediate,O=Example" ||
			len(s.Certificates) != 3 || !s.Certificates[0].Equal(leaf.Certificate) || s.PublicKey == nil || s.TimeSource != "" {
			t.Errorf("signer is %+v", s)
		}
		_, err = verifier(newKey(t, curve)).Verify(model, sig)
		if !errors.Is(err, verifying.ErrMethod) {
			t.Errorf("with a key: got %v, want %v", err, verifying.ErrMethod)
		}
	}
}

func TestLogFingerprints(t *testing.T) {
	root := certtest.Root(t)
	leaf := certtest.Leaf(t, root)
	b := signedBy(t, leaf)
	for _, wanted := range []bool{false, true} {
		var log strings.Builder
		o := trusting(t, root)
		o.LogFingerprints = wanted
		_, err := verifying.Config().SetLogger(slog.New(slog.NewTextHandler(&log, nil))).UseCertificateVerifier(o).Open(context.Background(), b)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []*certtest.Cert{root, leaf} {
			sum := sha256.Sum256(c.Raw)
			if strings.Contains(log.String(), colons(sum[:])) != wanted {
				t.Errorf("LogFingerprints is %v: %s", wanted, log.String())
			}
		}
	}
}

// The reference's certificate bundles of every release, the encoding of 0.2.0 included.
func TestHistoricalCertificates(t *testing.T) {
	vectors := os.Getenv("MODEL_SIGNING_VECTORS")
	if vectors == "" {
		t.Skip("MODEL_SIGNING_VECTORS names no directory with bundles of the reference's releases")
	}
	bundles := must(filepath.Glob(filepath.Join(vectors, "historical", "*-certificate", "model.sig")))
	if len(bundles) != 5 {
		t.Fatalf("found %q, want five", bundles)
	}
	config := func(o verifying.Certificate) verifying.Configuration {
		return verifying.Config().UseCertificateVerifier(o).SetHashingConfig(hashing.Config().AddIgnoredPaths("ignore-me"))
	}
	right := config(verifying.Certificate{CertificateChain: []string{filepath.Join(vectors, "keys", "ca-cert.pem")}})
	wrong := config(trusting(t, certtest.Root(t, certtest.Template(func(c *x509.Certificate) { c.Subject = pkix.Name{CommonName: "root-ca"} }))))
	for _, sig := range bundles {
		model := filepath.Dir(sig)
		if _, err := right.Verify(model, sig); err != nil {
			t.Error(err)
		}
		if _, err := wrong.Verify(model, sig); !errors.Is(err, verifying.ErrCertificate) {
			t.Errorf("%s with another root: got %v, want %v", sig, err, verifying.ErrCertificate)
		}
		b := must(bundle.ReadFile(sig))
		changed := slices.Clone(b.Signature())
		changed[len(changed)-1] ^= 1
		if _, err := right.Open(context.Background(), bundle.NewCertificate(b.UnverifiedStatement(), changed, b.Certificates())); !errors.Is(err, verifying.ErrSignature) {
			t.Errorf("%s with another signature: got %v, want %v", sig, err, verifying.ErrSignature)
		}
	}
	for pattern, want := range map[string]error{"*-elliptic-key": verifying.ErrMethod, "*-sigstore": verifying.ErrMethod} {
		for _, sig := range must(filepath.Glob(filepath.Join(vectors, "historical", pattern, "model.sig"))) {
			if _, err := right.Verify(filepath.Dir(sig), sig); !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", sig, err, want)
			}
		}
	}
}

// A bundle of 100 MB of certificates is refused for no more than about twice its own size of memory.
func TestManyCertificates(t *testing.T) {
	leaf := certtest.Leaf(t, nil)
	small := must(signedBy(t, leaf).MarshalJSON())
	one := `{"rawBytes":"` + base64Of(leaf.Raw) + `"}`
	at := bytes.Index(small, []byte(one))
	if at < 0 {
		t.Fatalf("the bundle does not hold %s", one)
	}
	name := filepath.Join(t.TempDir(), "sig")
	f := must(os.Create(name))
	count := 100<<20/(len(one)+1) + 1
	for _, part := range []string{string(small[:at]), strings.Repeat(one+",", count), one, string(small[at+len(one):])} {
		must(f.WriteString(part))
	}
	f.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := bundle.ReadFile(name)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, bundle.ErrMalformed) {
		t.Errorf("got %v, want %v", err, bundle.ErrMalformed)
	}
	// The race detector makes a buffer twice where it grows.
	if got := after.TotalAlloc - before.TotalAlloc; got > 220<<20 {
		t.Errorf("took %d MiB", got>>20)
	}
}
