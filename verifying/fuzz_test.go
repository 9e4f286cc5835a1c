package verifying_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/certtest"
	"github.com/modelsigning/modelsigning/verifying"
)

var update = flag.Bool("update", false, "make testdata anew")

// fixed are files that have to be the same in all processes that fuzz: a bundle with a timestamp and whom it needs
// to trust. Nobody has the keys any more.
const (
	fixedBundle = "testdata/certificate.sig"
	fixedRoot   = "testdata/certificate-root.pem"
	fixedTSA    = "testdata/certificate-tsa.pem"
)

func TestUpdateFixed(t *testing.T) {
	if !*update {
		t.Skip("only with -update")
	}
	life := certtest.Valid(-time.Hour, 100*365*24*time.Hour)
	root := certtest.Root(t, life)
	ca := certtest.Authority(t, root, "intermediate", life)
	tsa := certtest.NewTSA(t)
	plain := signedBy(t, certtest.Leaf(t, ca, life), ca)
	if err := stamped(t, plain, tsa.Stamp(t, plain.Signature(), time.Now())).WriteFile(fixedBundle); err != nil {
		t.Fatal(err)
	}
	write(t, fixedRoot, string(must(os.ReadFile(certtest.Files(t, root)))))
	write(t, fixedTSA, string(must(os.ReadFile(certtest.Files(t, tsa.Root)))))
}

// Whatever certificates and timestamp a bundle holds, verifying them ends with one of its errors, soon and without
// a panic; and it never ends well unless they are the signer's own.
func FuzzCertificates(f *testing.F) {
	honest := must(bundle.ReadFile(fixedBundle))
	v := verifying.Config().UseCertificateVerifier(verifying.Certificate{
		CertificateChain: []string{fixedRoot}, TSACertificateChain: []string{fixedTSA},
	})
	if _, err := v.Open(context.Background(), honest); err != nil {
		f.Fatal(err)
	}
	leaf, ca, stamp := honest.Certificates()[0], honest.Certificates()[1], honest.Timestamps()[0]
	f.Add(leaf, ca, stamp)
	f.Add(leaf, ca, []byte{})
	f.Add(ca, leaf, stamp)
	f.Add(leaf, stamp, ca)
	f.Add([]byte{0x30, 0x80}, deep(100), deep(31))
	f.Fuzz(func(t *testing.T, first, second, response []byte) {
		b := bundle.NewCertificate(honest.UnverifiedStatement(), honest.Signature(), [][]byte{first, second})
		if len(response) > 0 {
			stamped, err := b.AddTimestamp(response)
			if err != nil {
				t.Skip(err)
			}
			b = stamped
		}
		data, err := b.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if b, err = bundle.Parse(data); errors.Is(err, bundle.ErrMalformed) {
			return // empty, or too large
		} else if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		r, err := v.Open(context.Background(), b)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
		switch {
		case err == nil && (!bytes.Equal(first, leaf) || !bytes.Equal(r.Signer.Certificates[0].Raw, leaf)):
			t.Errorf("accepted %x", first)
		case err != nil && !errors.Is(err, verifying.ErrCertificate) && !errors.Is(err, verifying.ErrSignature):
			t.Errorf("got another error: %v", err)
		}
	})
}
