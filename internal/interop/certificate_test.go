package interop_test

import (
	"bytes"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/internal/certtest"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

// A certificateCase is one call of the reference. With a private key, it signs.
type certificateCase struct {
	Model              string   `json:"model"`
	Signature          string   `json:"signature"`
	PrivateKey         string   `json:"private_key,omitempty"`
	SigningCertificate string   `json:"signing_certificate,omitempty"`
	CertificateChain   []string `json:"certificate_chain"`
}

// certificates runs all cases in one process, and returns what the reference says of each: nothing, if all is well.
func (r reference) certificates(cases []certificateCase) []string {
	r.t.Helper()
	data, err := json.Marshal(cases)
	if err != nil {
		r.t.Fatal(err)
	}
	name := filepath.Join(r.t.TempDir(), "cases.json")
	write(r.t, name, string(data))
	cmd := exec.Command(r.python, filepath.Join("testdata", "reference.py"), "certificates", name)
	cmd.Env = append(os.Environ(), "PYTHONUTF8=1", "PYTHONDONTWRITEBYTECODE=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var says []string
	if err := errors.Join(err, json.Unmarshal(out, &says)); err != nil || len(says) != len(cases) {
		r.t.Fatalf("the reference: %v, %q\n%s", err, out, stderr.String())
	}
	return says
}

// With every curve and every length of chain, either side verifies what the other signed.
func TestCertificates(t *testing.T) {
	r := newReference(t)
	type shape struct {
		name   string
		leaf   *certtest.Cert
		chain  []*certtest.Cert
		anchor *certtest.Cert
		theirs string
		files  []string
	}
	var shapes []*shape
	for _, curve := range curves {
		root := certtest.Root(t, certtest.Curve(t, curve))
		ca := certtest.Authority(t, root, "intermediate", certtest.Curve(t, curve))
		self := certtest.Leaf(t, nil, certtest.Curve(t, curve))
		name := curve.Params().Name
		shapes = append(shapes,
			&shape{name: name + ", self-signed", leaf: self, anchor: self},
			&shape{name: name + ", leaf and root", leaf: certtest.Leaf(t, root, certtest.Curve(t, curve)), chain: []*certtest.Cert{root}, anchor: root},
			&shape{name: name + ", leaf, intermediate and root", leaf: certtest.Leaf(t, ca, certtest.Curve(t, curve)), chain: []*certtest.Cert{ca, root}, anchor: root})
	}
	model := newModel(t, nested)
	var cases []certificateCase
	for _, s := range shapes {
		dir := t.TempDir()
		ours := filepath.Join(dir, "ours.sig")
		s.theirs = filepath.Join(dir, "theirs.sig")
		key, cert, trusted := s.leaf.KeyFile(t), certtest.Files(t, s.leaf), []string{certtest.Files(t, s.anchor)}
		if s.files = []string{cert}; s.chain != nil { // the reference does not sign without a chain
			s.files = []string{certtest.Files(t, s.chain...)}
		}
		err := signing.Config().UseCertificateSigner(signing.Certificate{
			PrivateKey: key, SigningCertificate: cert, CertificateChain: s.files,
		}).Sign(model, ours)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		cases = append(cases,
			certificateCase{Model: model, Signature: ours, CertificateChain: trusted},
			certificateCase{Model: model, Signature: s.theirs, PrivateKey: key, SigningCertificate: cert, CertificateChain: s.files})
	}
	says := r.certificates(cases)
	for i, s := range shapes {
		if says[2*i] != "" {
			t.Errorf("%s: the reference does not verify ours: %s", s.name, says[2*i])
		}
		if says[2*i+1] != "" {
			t.Errorf("%s: the reference does not sign: %s", s.name, says[2*i+1])
			continue
		}
		result, err := verifying.Config().
			UseCertificateVerifier(verifying.Certificate{CertificateChain: []string{certtest.Files(t, s.anchor)}}).
			Verify(model, s.theirs)
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		if got, want := len(result.Signer.Certificates), len(s.chain)+1; got != want || !result.Signer.Certificates[0].Equal(s.leaf.Certificate) {
			t.Errorf("%s: signed by a chain of %d certificates, want %d", s.name, got, want)
		}
	}
	// Once as a user would, from the command line.
	last := cases[len(cases)-2:]
	r.must(r.command("verify", "certificate", model, "--signature", last[0].Signature, "--certificate_chain", last[0].CertificateChain[0]))
	r.must(r.command("sign", "certificate", model, "--signature", filepath.Join(t.TempDir(), "sig"), "--private_key", last[1].PrivateKey,
		"--signing_certificate", last[1].SigningCertificate, "--certificate_chain", last[1].CertificateChain[0]))
}

// What the reference accepts and this library refuses, and by which rule. If reference is set, it refuses too, and
// this is what it says.
func TestCertificatesRefusedHereOnly(t *testing.T) {
	r := newReference(t)
	root := certtest.Root(t, certtest.Valid(-100*time.Hour, 100*time.Hour))
	ca := certtest.Authority(t, root, "intermediate", certtest.Valid(-100*time.Hour, 100*time.Hour))
	expiredCA := certtest.Authority(t, root, "expired", certtest.Valid(-10*time.Hour, -time.Hour))
	expiredRoot := certtest.Root(t, certtest.Valid(-10*time.Hour, -time.Hour))
	rsaRoot := certtest.Root(t, certtest.Key(rsaKey(t, 2048)))
	weak := certtest.Authority(t, root, "weak", certtest.Key(rsaKey(t, 1024)))
	p224 := certtest.Authority(t, root, "P-224", certtest.Curve(t, elliptic.P224()))
	life := func(from, to int) certtest.Change {
		return certtest.Valid(time.Duration(from)*time.Hour, time.Duration(to)*time.Hour)
	}
	sha1 := func(kind x509.SignatureAlgorithm) certtest.Change {
		return certtest.Template(func(c *x509.Certificate) { c.SignatureAlgorithm = kind })
	}
	codeSigning := certtest.Usage(x509.KeyUsageKeyAgreement, x509.ExtKeyUsageCodeSigning)
	good := certtest.Leaf(t, ca)
	model := newModel(t, flat)

	table := []struct {
		name      string
		leaf      *certtest.Cert
		others    []*certtest.Cert
		root      *certtest.Cert
		rule      string // that is followed here
		says      string // this library
		reference string
	}{
		{"honest", good, []*certtest.Cert{ca}, root, "", "", ""},
		{"expired leaf", certtest.Leaf(t, ca, life(-10, -1)), []*certtest.Cert{ca}, root,
			"the leaf is valid at a proven time, or now (OMS)", "no timestamp proves", ""},
		{"leaf of tomorrow", certtest.Leaf(t, ca, life(1, 2)), []*certtest.Cert{ca}, root,
			"the leaf is valid at a proven time, or now (OMS)", "is before", ""},
		{"expired intermediate", certtest.Leaf(t, expiredCA, life(-5, 5)), []*certtest.Cert{expiredCA}, root,
			"the whole chain is valid at that time (RFC 5280, 6.1.3)", "has expired", ""},
		{"expired root", certtest.Leaf(t, expiredRoot, life(-5, 5)), nil, expiredRoot,
			"the whole chain is valid at that time (RFC 5280, 6.1.3)", "has expired", ""},
		{"codeSigning against the key usage", certtest.Leaf(t, ca, codeSigning), []*certtest.Cert{ca}, root,
			"codeSigning counts where key usage is absent (OMS)", "without digitalSignature", ""},
		{"a second leaf", good, []*certtest.Cert{ca, certtest.Leaf(t, ca)}, root,
			"one signer, so that all readers name the same", "is not an authority's", ""},
		{"SHA-1", certtest.Leaf(t, rsaRoot, sha1(x509.SHA1WithRSA)), nil, rsaRoot,
			"no hashes with collisions (crypto/x509)", "SHA1-RSA, which is not secure", ""},
		{"RSA intermediate of 1024 bits", certtest.Leaf(t, weak), []*certtest.Cert{weak}, root,
			"no keys weaker than 112 bits, and the curves of OMS", "RSA keys of 1024 bits", ""},
		{"P-224 intermediate", certtest.Leaf(t, p224), []*certtest.Cert{p224}, root,
			"no keys weaker than 112 bits, and the curves of OMS", "P-224 keys", ""},
		{"P-224 leaf", certtest.Leaf(t, ca, certtest.Curve(t, elliptic.P224())), []*certtest.Cert{ca}, root,
			"the curves of OMS", "P-224 keys", "Unexpected key size 224"},
		{"wrong usage", certtest.Leaf(t, ca, certtest.Usage(x509.KeyUsageKeyAgreement)), []*certtest.Cert{ca}, root,
			"digitalSignature (OMS)", "without digitalSignature", "cannot be used for signing"},
		{"another root", good, []*certtest.Cert{ca}, rsaRoot,
			"a chain to a given root", "no chain leads from", "unable to get"},
	}
	cases := make([]certificateCase, len(table))
	for i, c := range table {
		cases[i] = certificateCase{model, filepath.Join(t.TempDir(), "model.sig"), "", "", []string{certtest.Files(t, c.root)}}
		if err := signWith(t, model, c.leaf, c.others...).WriteFile(cases[i].Signature); err != nil {
			t.Fatal(err)
		}
	}
	theirs := r.certificates(cases)
	for i, c := range table {
		_, err := verifying.Config().
			UseCertificateVerifier(verifying.Certificate{CertificateChain: cases[i].CertificateChain}).
			Verify(model, cases[i].Signature)
		switch got := theirs[i]; {
		case c.says == "" && err != nil:
			t.Errorf("%s: refused here: %v", c.name, err)
		case c.says != "" && (!errors.Is(err, verifying.ErrCertificate) || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: got %v, want it to say %q, since the rule is: %s", c.name, err, c.says, c.rule)
		case c.reference == "" && got != "":
			t.Errorf("%s: the reference refuses it now: %s", c.name, got)
		case c.reference != "" && !strings.Contains(got, c.reference):
			t.Errorf("%s: the reference says %q, want %q", c.name, got, c.reference)
		}
	}
}

// signWith is what a signer who checks nothing makes.
func signWith(t *testing.T, model string, leaf *certtest.Cert, others ...*certtest.Cert) *bundle.Bundle {
	t.Helper()
	m, err := hashing.Hash(model)
	if err != nil {
		t.Fatal(err)
	}
	statement, err := bundle.MarshalStatement(m)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(bundle.PAE(statement))
	sig, err := leaf.Key.Sign(rand.Reader, digest[:], nil)
	if err != nil {
		t.Fatal(err)
	}
	var chain [][]byte
	for _, c := range slices.Concat([]*certtest.Cert{leaf}, others) {
		chain = append(chain, c.Raw)
	}
	return bundle.NewCertificate(statement, sig, chain)
}

func rsaKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
