//go:build unix

package e2e_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/certtest"
	"github.com/modelsigning/modelsigning/internal/e2e"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

// A certificate that lives for two seconds signs, is stamped by timestamp-authority, and expires.
func TestTimestampAuthority(t *testing.T) {
	stack, other := e2e.Start(t, e2e.Options{}), e2e.Start(t, e2e.Options{})
	file := func(name string, data []byte) string {
		name = filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	model := filepath.Dir(file("weights.bin", []byte("weights")))
	trusted := []string{file("tsa.pem", stack.TSAChain)}

	root := certtest.Root(t)
	long := certtest.Leaf(t, root)
	start := time.Now()
	brief := certtest.Leaf(t, root, certtest.Valid(-time.Second, 2*time.Second))
	sign := func(leaf *certtest.Cert, tsa signing.TimestampAuthority) *bundle.Bundle {
		t.Helper()
		name := filepath.Join(t.TempDir(), "sig")
		err := signing.Config().
			UseCertificateSigner(signing.Certificate{Key: leaf.Key, SigningCertificate: certtest.Files(t, leaf)}).
			SetTimestampAuthority(tsa).Sign(model, name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := bundle.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	plain := sign(brief, signing.TimestampAuthority{})
	stamped := sign(brief, signing.TimestampAuthority{URL: stack.TSAURL, CertificateChain: trusted})
	elsewhere := sign(brief, signing.TimestampAuthority{URL: other.TSAURL})
	another := sign(long, signing.TimestampAuthority{URL: stack.TSAURL})
	if took := time.Since(start); took > 2*time.Second {
		t.Fatalf("signing took %v, longer than the certificate lives", took)
	}
	with := func(b *bundle.Bundle, stamp []byte) *bundle.Bundle {
		t.Helper()
		b, err := b.AddTimestamp(stamp)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	time.Sleep(time.Until(brief.NotAfter) + 1100*time.Millisecond) // the authority's clock has whole seconds
	// Stamped now, which is too late.
	late := with(plain, restamped(t, stack, plain))

	o := verifying.Certificate{CertificateChain: []string{certtest.Files(t, root)}, TSACertificateChain: trusted}
	for _, c := range []struct {
		name string
		b    *bundle.Bundle
		want error
		says string
	}{
		{"with the timestamp", stamped, nil, ""},
		{"without", plain, verifying.ErrCertificate, "no timestamp proves that the signature is older"},
		{"over another signature", with(plain, another.Timestamps()[0]), verifying.ErrTimestamp, "hashed messages don't match"},
		{"of another authority", elsewhere, verifying.ErrTimestamp, "unknown authority"},
		{"outside the certificate's life", late, verifying.ErrCertificate, "expired on"},
		{"of both authorities", with(stamped, elsewhere.Timestamps()[0]), verifying.ErrTimestamp, ""},
	} {
		r, err := verifying.Config().UseCertificateVerifier(o).Open(context.Background(), c.b)
		switch {
		case !errors.Is(err, c.want):
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		case err != nil && !strings.Contains(err.Error(), c.says):
			t.Errorf("%s: got %v, want it to say %q", c.name, err, c.says)
		case err == nil && (r.Signer.Time.Before(brief.NotBefore) || r.Signer.Time.After(brief.NotAfter) || !strings.HasPrefix(r.Signer.TimeSource, "timestamp of ")):
			t.Errorf("%s: signed at %v, proven by %q", c.name, r.Signer.Time, r.Signer.TimeSource)
		}
	}
	o.TSACertificateChain = nil
	if _, err := verifying.Config().UseCertificateVerifier(o).Open(context.Background(), stamped); !errors.Is(err, verifying.ErrTimestamp) {
		t.Errorf("no authority is trusted: got %v, want %v", err, verifying.ErrTimestamp)
	}
}

// restamped has the authority stamp a signature that was made before. A signer does so who returns the same bundle
// for every statement.
func restamped(t *testing.T, stack *e2e.Stack, b *bundle.Bundle) []byte {
	t.Helper()
	manifest, err := bundle.ParseStatement(b.UnverifiedStatement())
	if err != nil {
		t.Fatal(err)
	}
	key := bundle.NewKey(b.UnverifiedStatement(), b.Signature(), "00")
	stamped, err := signing.Config().UseSigner(same{key}).
		SetTimestampAuthority(signing.TimestampAuthority{URL: stack.TSAURL}).SignManifest(context.Background(), manifest)
	if err != nil {
		t.Fatal(err)
	}
	return stamped.Timestamps()[0]
}

type same struct{ b *bundle.Bundle }

func (s same) Sign(context.Context, []byte) (*bundle.Bundle, error) { return s.b, nil }

// Signatures of keys are stamped as well.
func TestTimestampedKey(t *testing.T) {
	stack := e2e.Start(t, e2e.Options{})
	tsa := filepath.Join(t.TempDir(), "tsa.pem")
	model := filepath.Join(t.TempDir(), "weights.bin")
	if err := errors.Join(os.WriteFile(tsa, stack.TSAChain, 0o600), os.WriteFile(model, []byte("weights"), 0o600)); err != nil {
		t.Fatal(err)
	}
	signer := certtest.Leaf(t, nil)
	sig := filepath.Join(t.TempDir(), "sig")
	err := signing.Config().UseEllipticKeySigner(signing.EllipticKey{Key: signer.Key}).
		SetTimestampAuthority(signing.TimestampAuthority{URL: stack.TSAURL, CertificateChain: []string{tsa}}).Sign(model, sig)
	if err != nil {
		t.Fatal(err)
	}
	r, err := verifying.Config().
		UseEllipticKeyVerifier(verifying.EllipticKey{Key: signer.Key.Public(), TSACertificateChain: []string{tsa}}).
		Verify(model, sig)
	if err != nil || time.Since(r.Signer.Time) > time.Minute {
		t.Errorf("got %+v, %v", r, err)
	}
	err = signing.Config().UseSigstoreSigner(signing.Sigstore{TrustConfigJSON: stack.TrustConfigJSON, IdentityToken: stack.Token(e2e.Claims{})}).
		SetTimestampAuthority(signing.TimestampAuthority{URL: stack.TSAURL}).Sign(filepath.Dir(model), sig)
	if err == nil || !strings.Contains(err.Error(), "set no timestamp authority") {
		t.Errorf("Sigstore: %v", err)
	}
	if _, err = verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{Key: signer.Key.Public()}).Verify(model, sig); !errors.Is(err, verifying.ErrTimestamp) {
		t.Errorf("no authority is trusted: got %v, want %v", err, verifying.ErrTimestamp)
	}
}
