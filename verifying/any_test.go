package verifying_test

import (
	"context"
	"crypto/elliptic"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/internal/certtest"
	"github.com/modelsigning/modelsigning/verifying"
)

// answer is a verifier that only says one thing.
type answer struct{ err error }

func (a answer) Verify(context.Context, *bundle.Bundle) ([]byte, verifying.Identity, error) {
	return nil, verifying.Identity{}, a.err
}

func TestUseAny(t *testing.T) {
	files := map[string]string{"weights": "1"}
	model, sig, key := signed(t, hashing.Config(), files)
	other := newKey(t, elliptic.P384())
	root := certtest.Root(t)
	leaf := certtest.Leaf(t, root)
	byCertificate := filepath.Join(t.TempDir(), "certificate.sig")
	if err := signedBy(t, leaf).WriteFile(byCertificate); err != nil {
		t.Fatal(err)
	}
	certificates := verifying.Config().UseCertificateVerifier(trusting(t, root))
	several := verifying.Config().UseAny(verifier(other), certificates, verifying.Config().UseAny(verifier(key)))

	r, err := several.Verify(model, sig)
	if err != nil || r.Signer.Matched != 2 || r.Signer.Subject != hint(t, key) {
		t.Errorf("key: got %+v, %v", r, err)
	}
	b := must(bundle.ReadFile(byCertificate))
	if r, err = several.Open(t.Context(), b); err != nil || r.Signer.Matched != 1 || r.Signer.Method != bundle.Certificate {
		t.Errorf("certificate: got %+v, %v", r, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := several.Open(ctx, b); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

// Of several reasons those are seen that came nearest to accepting the signature.
func TestUseAnyRefuses(t *testing.T) {
	root := certtest.Root(t)
	leaf := certtest.Leaf(t, root)
	byCertificate := signedBy(t, leaf)
	key, other := newKey(t, elliptic.P256()), newKey(t, elliptic.P256())
	byKey := sign(t, key, byCertificate.UnverifiedStatement())
	forged := sign(t, other, byCertificate.UnverifiedStatement())
	forged.Proto().GetVerificationMaterial().GetPublicKey().Hint = hint(t, key)

	trusted := trusting(t, root)
	named := trusted
	named.Expected.Email = "other@example.com"
	certificate := func(o verifying.Certificate) verifying.Configuration {
		return verifying.Config().UseCertificateVerifier(o)
	}
	unreached := errors.New("server did not answer")
	custom := func(err error) verifying.Configuration { return verifying.Config().UseVerifier(answer{err}) }
	sentinels := []error{verifying.ErrMethod, verifying.ErrIdentity, verifying.ErrCertificate, verifying.ErrTimestamp,
		verifying.ErrLog, verifying.ErrSignature, unreached, bundle.ErrMalformed}

	for name, c := range map[string]struct {
		b    *bundle.Bundle
		any  []verifying.Configuration
		want []error
	}{
		"other methods":    {byKey, []verifying.Configuration{certificate(trusted), certificate(named)}, []error{verifying.ErrMethod}},
		"another key":      {byKey, []verifying.Configuration{certificate(trusted), verifier(other)}, []error{verifying.ErrIdentity}},
		"forged":           {forged, []verifying.Configuration{verifier(other), verifier(key)}, []error{verifying.ErrSignature}},
		"untrusted":        {byCertificate, []verifying.Configuration{verifier(key), certificate(trusting(t, certtest.Root(t)))}, []error{verifying.ErrCertificate}},
		"another name":     {byCertificate, []verifying.Configuration{certificate(trusting(t, certtest.Root(t))), certificate(named)}, []error{verifying.ErrIdentity}},
		"nested":           {byKey, []verifying.Configuration{certificate(trusted), verifying.Config().UseAny(verifier(other))}, []error{verifying.ErrIdentity}},
		"two kinds":        {byCertificate, []verifying.Configuration{custom(verifying.ErrLog), custom(verifying.ErrTimestamp)}, []error{verifying.ErrLog, verifying.ErrTimestamp}},
		"unreached":        {forged, []verifying.Configuration{verifier(key), custom(unreached)}, []error{unreached}},
		"malformed for it": {byKey, []verifying.Configuration{custom(fmt.Errorf("%w: so", bundle.ErrMalformed)), verifier(key)}, []error{bundle.ErrMalformed}},
	} {
		_, err := verifying.Config().UseAny(c.any...).Open(t.Context(), c.b)
		for _, s := range sentinels {
			if got, want := errors.Is(err, s), slices.Contains(c.want, s); got != want {
				t.Errorf("%s: %q is %v, want %v, in %v", name, s, got, want, err)
			}
		}
		var refused *verifying.RefusedError
		if name != "malformed for it" && (!errors.As(err, &refused) || len(refused.Errs) != len(c.any)) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestUseAnyOptions(t *testing.T) {
	if err := verifying.Config().UseAny().Err(); !errors.Is(err, verifying.ErrNoVerifier) {
		t.Errorf("nothing: got %v", err)
	}
	key := newKey(t, elliptic.P256())
	if err := verifying.Config().UseAny(verifier(key), verifying.Config()).Err(); !errors.Is(err, verifying.ErrNoVerifier) || !strings.Contains(err.Error(), "2 of 2") {
		t.Errorf("one without a verifier: got %v", err)
	}
	missing := verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "missing.pub"})
	if err := verifying.Config().UseAny(missing).Err(); err == nil || !strings.Contains(err.Error(), "missing.pub") {
		t.Errorf("one with an error: got %v", err)
	}
}

// Neither how many alternatives there are nor what a stranger writes makes an error long.
func TestUseAnyLongError(t *testing.T) {
	var many []verifying.Configuration
	for range 1000 {
		many = append(many, verifying.Config().UseVerifier(answer{errors.New(strings.Repeat("x", 1<<20))}))
	}
	_, err := verifying.Config().UseAny(many...).Open(t.Context(), signedBy(t, certtest.Leaf(t, nil)))
	if err == nil || len(err.Error()) > 10_000 {
		t.Errorf("got %d bytes", len(err.Error()))
	}
}

// One alternative, and one in one, refuse in the words of their verifier.
func TestUseAnyOfOne(t *testing.T) {
	one := verifier(newKey(t, elliptic.P256()))
	b := signedBy(t, certtest.Leaf(t, nil))
	_, want := one.Open(t.Context(), b)
	_, err := verifying.Config().UseAny(verifying.Config().UseAny(one)).Open(t.Context(), b)
	if err == nil || err.Error() != want.Error() || !errors.As(err, new(*verifying.RefusedError)) {
		t.Errorf("got %v, want %v", err, want)
	}
}
