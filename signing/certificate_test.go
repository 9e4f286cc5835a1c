package signing_test

import (
	"bytes"
	"context"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/timestamp"
	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/internal/certtest"
	"github.com/modelsigning/modelsigning/signing"
)

func ExampleConfiguration_UseCertificateSigner() {
	err := signing.Config().
		UseCertificateSigner(signing.Certificate{
			PrivateKey:         "signer.key",
			SigningCertificate: "signer.pem",
			CertificateChain:   []string{"issuing.pem"},
		}).
		SetTimestampAuthority(signing.TimestampAuthority{URL: "https://timestamp.example.com"}).
		Sign("finbert", "finbert.sig")
	if err != nil {
		log.Fatal(err)
	}
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// What can't be verified later is refused before anything is hashed, with the reason.
func TestCertificateRefused(t *testing.T) {
	root := certtest.Root(t)
	ca := certtest.Authority(t, root, "intermediate")
	leaf := certtest.Leaf(t, ca)
	notCA := certtest.Authority(t, root, "web server", certtest.Template(func(c *x509.Certificate) { c.IsCA = false }))
	constrained := certtest.Authority(t, root, "constrained", certtest.Template(func(c *x509.Certificate) {
		c.PermittedEmailAddresses = []string{"example.org"}
	}))
	cert := func(signer *certtest.Cert, chain ...*certtest.Cert) signing.Certificate {
		o := signing.Certificate{PrivateKey: signer.KeyFile(t), SigningCertificate: certtest.Files(t, signer)}
		if chain != nil {
			o.CertificateChain = []string{certtest.Files(t, chain...)}
		}
		return o
	}
	with := func(o signing.Certificate, change func(*signing.Certificate)) signing.Certificate {
		change(&o)
		return o
	}
	garbage := write(t, filepath.Join(t.TempDir(), "garbage.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
	truncated := write(t, filepath.Join(t.TempDir(), "truncated.pem"), string(read(t, certtest.Files(t, ca)))+"-----BEGIN CERTIFICATE-----\nAAAA\n")
	many := make([]*certtest.Cert, 32)
	for i := range many {
		many[i] = certtest.Authority(t, root, "many")
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		o    signing.Certificate
		says string
	}{
		{"nothing", signing.Certificate{}, "neither PrivateKey nor Key is set"},
		{"no certificate", signing.Certificate{PrivateKey: leaf.KeyFile(t)}, "SigningCertificate is not set"},
		{"no file", with(cert(leaf), func(o *signing.Certificate) { o.SigningCertificate = "/nowhere" }), "/nowhere"},
		{"key for certificate", with(cert(leaf), func(o *signing.Certificate) { o.SigningCertificate = o.PrivateKey }), `holds a "PRIVATE KEY" and no "CERTIFICATE"`},
		{"garbage", with(cert(leaf), func(o *signing.Certificate) { o.SigningCertificate = garbage }), "garbage.pem: the 1st in the file: x509: malformed certificate"},
		{"truncated chain", with(cert(leaf), func(o *signing.Certificate) { o.CertificateChain = []string{truncated} }), "truncated.pem: only 1 of 2 PEM blocks can be read"},
		{"other key", with(cert(leaf), func(o *signing.Certificate) { o.PrivateKey = ca.KeyFile(t) }), `certificate "CN=signer,O=Example" is for another key than the private key`},
		{"expired", cert(certtest.Leaf(t, ca, certtest.Valid(-2*time.Hour, -time.Hour))), "expired on"},
		{"not yet valid", cert(certtest.Leaf(t, ca, certtest.Valid(time.Hour, 2*time.Hour))), "is not valid before"},
		{"wrong usage", cert(certtest.Leaf(t, ca, certtest.Usage(x509.KeyUsageKeyAgreement, x509.ExtKeyUsageCodeSigning))), "its key usage is keyAgreement, without digitalSignature"},
		{"no usage", cert(certtest.Leaf(t, ca, certtest.Usage(0))), "neither the key usage digitalSignature nor the extended key usage codeSigning"},
		{"authority", cert(ca), "its key usage is keyCertSign, cRLSign, without digitalSignature"},
		{"RSA", with(cert(certtest.Leaf(t, ca, certtest.Key(rsaKey))), func(o *signing.Certificate) { o.PrivateKey, o.Key = "", rsaKey }), "RSA keys are not supported"},
		{"P-224", cert(certtest.Leaf(t, ca, certtest.Curve(t, elliptic.P224()))), "P-224 keys are not supported"},
		{"other chain", cert(leaf, root), `no chain leads from certificate "CN=signer,O=Example", issued by "CN=intermediate,O=Example"`},
		{"another leaf in the chain", cert(leaf, ca, certtest.Leaf(t, ca)), "is not an authority's"},
		{"CA:FALSE", cert(certtest.Leaf(t, notCA), notCA), "is not an authority's"},
		{"name constraints", cert(certtest.Leaf(t, constrained), constrained), "not authorized to sign for this name"},
		{"33 certificates", cert(leaf, append(many, ca)...), "more than the limit of 32"},
	} {
		config := signing.Config().UseCertificateSigner(c.o)
		err := config.SetHashingConfig(unhashed(t)).Sign(newModel(t), filepath.Join(t.TempDir(), "sig"))
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want it to say %q", c.name, err, c.says)
		}
		if config.Err() == nil {
			t.Errorf("%s: Err is nil", c.name)
		}
	}
}

// The bundle holds the chain, leaf first, whatever the order and number of the files.
func TestCertificateChain(t *testing.T) {
	root := certtest.Root(t)
	upper := certtest.Authority(t, root, "upper")
	lower := certtest.Authority(t, upper, "lower")
	leaf, self := certtest.Leaf(t, lower), certtest.Leaf(t, nil)
	unrelated := certtest.Root(t)
	files := func(certs ...*certtest.Cert) string { return certtest.Files(t, certs...) }
	for _, c := range []struct {
		name   string
		signer *certtest.Cert
		cert   string
		chain  []string
		want   []*certtest.Cert
	}{
		{"leaf alone", leaf, files(leaf), nil, []*certtest.Cert{leaf}},
		{"self-signed", self, files(self), nil, []*certtest.Cert{self}},
		{"self-signed twice", self, files(self), []string{files(self)}, []*certtest.Cert{self}},
		{"one file", leaf, files(leaf, lower, upper, root), nil, []*certtest.Cert{leaf, lower, upper, root}},
		{"shuffled", leaf, files(leaf), []string{files(unrelated, root), files(leaf, upper, lower, upper)}, []*certtest.Cert{leaf, lower, upper, root, unrelated}},
		{"no root", leaf, files(leaf), []string{files(upper, lower)}, []*certtest.Cert{leaf, lower, upper}},
	} {
		model := newModel(t)
		sig := filepath.Join(t.TempDir(), "sig")
		err := signing.Config().UseCertificateSigner(signing.Certificate{Key: c.signer.Key, SigningCertificate: c.cert, CertificateChain: c.chain}).Sign(model, sig)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		b, err := bundle.ReadFile(sig)
		if err != nil {
			t.Fatal(err)
		}
		got := b.Certificates()
		ok := len(got) == len(c.want) && b.Method() == bundle.Certificate
		for i := range got {
			ok = ok && bytes.Equal(got[i], c.want[i].Raw)
		}
		if !ok {
			t.Errorf("%s: other certificates are in the bundle, %d of them", c.name, len(got))
		}
	}
}

// A certificate that expires while a configuration is kept, or a model is hashed, does not sign.
func TestCertificateExpires(t *testing.T) {
	leaf := certtest.Leaf(t, nil, certtest.Valid(-time.Hour, 1500*time.Millisecond))
	c := signing.Config().UseCertificateSigner(signing.Certificate{Key: leaf.Key, SigningCertificate: certtest.Files(t, leaf)})
	if err := c.Err(); err != nil {
		t.Fatal(err)
	}
	wait := func(hashing.Progress) { time.Sleep(time.Until(leaf.NotAfter) + 10*time.Millisecond) }
	for _, h := range []hashing.Configuration{hashing.Config().SetProgress(wait), unhashed(t)} {
		err := c.SetHashingConfig(h).Sign(newModel(t), filepath.Join(t.TempDir(), "sig"))
		if !errors.Is(err, signing.ErrCertificate) || !strings.Contains(err.Error(), "expired on") {
			t.Errorf("got %v", err)
		}
	}
}

// Every method's bundle is stamped, and nothing is hashed if the authority is not there or not right.
func TestTimestampAuthority(t *testing.T) {
	tsa, other := certtest.NewTSA(t), certtest.NewTSA(t)
	leaf := certtest.Leaf(t, nil)
	key := signing.Config().UseEllipticKeySigner(signing.EllipticKey{Key: leaf.Key})
	cert := signing.Config().UseCertificateSigner(signing.Certificate{Key: leaf.Key, SigningCertificate: certtest.Files(t, leaf)})
	trusted := []string{certtest.Files(t, tsa.Root)}
	for name, c := range map[string]signing.Configuration{"key": key, "certificate": cert} {
		for _, chain := range [][]string{nil, trusted} {
			model, sig := newModel(t), filepath.Join(t.TempDir(), "sig")
			if err := c.SetTimestampAuthority(signing.TimestampAuthority{URL: tsa.Serve(t), CertificateChain: chain}).Sign(model, sig); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			b, err := bundle.ReadFile(sig)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(b.Timestamps()); n != 1 {
				t.Fatalf("%s: %d timestamps", name, n)
			}
			ts, err := timestamp.ParseResponse(b.Timestamps()[0])
			if err != nil || time.Since(ts.Time) > time.Minute || len(ts.Certificates) == 0 {
				t.Errorf("%s: %+v, %v", name, ts, err)
			}
		}
		if c.SetTimestampAuthority(signing.TimestampAuthority{URL: "ftp://x"}).SetTimestampAuthority(signing.TimestampAuthority{}).Err() != nil {
			t.Errorf("%s: the zero value does not take the authority away", name)
		}
	}

	handler := func(f http.HandlerFunc) string {
		s := httptest.NewServer(f)
		t.Cleanup(s.Close)
		return s.URL
	}
	closed := handler(nil)
	closed = closed[:strings.LastIndex(closed, ":")] + ":1"
	replay := certtest.NewTSA(t)
	replay.Change = func(ts *timestamp.Timestamp) { ts.Nonce = nil }
	wrong := certtest.NewTSA(t)
	wrong.Change = func(ts *timestamp.Timestamp) { ts.HashedMessage = make([]byte, 32) }
	for _, c := range []struct {
		name string
		o    signing.TimestampAuthority
		says string
	}{
		{"no URL", signing.TimestampAuthority{CertificateChain: trusted}, "and no URL"},
		{"other scheme", signing.TimestampAuthority{URL: "file:///etc/passwd"}, "is not an http or https URL"},
		{"no file", signing.TimestampAuthority{URL: tsa.Serve(t), CertificateChain: []string{"/nowhere"}}, "/nowhere"},
		{"nobody there", signing.TimestampAuthority{URL: closed}, "timestamp authority " + closed},
		{"password", signing.TimestampAuthority{URL: strings.Replace(closed, "//", "//me:secret@", 1)}, "authority http://127.0.0.1:1: "},
		{"no such page", signing.TimestampAuthority{URL: handler(http.NotFound)}, "answers with status 404"},
		{"no timestamp", signing.TimestampAuthority{URL: handler(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("hello")) })}, "is not DER"},
		{"endless", signing.TimestampAuthority{URL: handler(func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 1<<20)) })}, "more than 65536 bytes"},
		{"no nonce", signing.TimestampAuthority{URL: replay.Serve(t)}, "the nonce differs"},
		{"over something else", signing.TimestampAuthority{URL: wrong.Serve(t)}, "over something else"},
		{"not the one that is trusted", signing.TimestampAuthority{URL: other.Serve(t), CertificateChain: trusted}, "signed by unknown authority"},
	} {
		err := key.SetTimestampAuthority(c.o).SetHashingConfig(unhashed(t)).Sign(newModel(t), filepath.Join(t.TempDir(), "sig"))
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want it to say %q", c.name, err, c.says)
		}
	}

	late := certtest.NewTSA(t)
	late.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	err := cert.SetTimestampAuthority(signing.TimestampAuthority{URL: late.Serve(t)}).Sign(newModel(t), filepath.Join(t.TempDir(), "sig"))
	if !errors.Is(err, signing.ErrCertificate) || !strings.Contains(err.Error(), "by the timestamp authority's clock") {
		t.Errorf("a clock that is two hours late: %v", err)
	}
}

// A context that is done ends the wait for an authority that does not answer.
func TestTimestampAuthorityCancel(t *testing.T) {
	asked := make(chan struct{}, 1)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not see that the client is gone
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer s.Close()
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-asked
		cancel()
	}()
	start := time.Now()
	err := config(t).SetTimestampAuthority(signing.TimestampAuthority{URL: s.URL}).SignContext(ctx, newModel(t), filepath.Join(t.TempDir(), "sig"))
	if !errors.Is(err, context.Canceled) || time.Since(start) > 5*time.Second {
		t.Errorf("got %v after %v", err, time.Since(start))
	}
}
