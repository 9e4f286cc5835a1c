//go:build !nosigstore

package sigstore_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/sigstore"
)

// vectors is the folder of real bundles, which are not in the repository.
func vectors(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("MODEL_SIGNING_VECTORS")
	if dir == "" {
		t.Skip("MODEL_SIGNING_VECTORS names no folder of test vectors")
	}
	return dir
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func publicGood(t testing.TB) sigstore.Trust {
	return sigstore.Trust{JSON: read(t, filepath.Join(vectors(t), "public-good/trusted_root.json"))}
}

func historical(t testing.TB) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(vectors(t), "historical/*-sigstore/model.sig"))
	if err != nil || len(names) != 4 {
		t.Fatalf("historical bundles: %q, %v", names, err)
	}
	return names
}

var signer = sigstore.Identity{Subject: "stefanb@us.ibm.com", Issuer: "https://sigstore.verify.ibm.com/oauth2"}

func policy(ids ...sigstore.Identity) sigstore.Policy { return sigstore.Policy{Identities: ids} }

func TestHistorical(t *testing.T) {
	v, err := sigstore.NewVerifier(publicGood(t), policy(signer))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range historical(t) {
		t.Run(filepath.Base(filepath.Dir(name)), func(t *testing.T) {
			b, err := bundle.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got, err := v.Verify(t.Context(), b)
			if err != nil {
				t.Fatal(err)
			}
			if got.Subject != signer.Subject || got.Issuer != signer.Issuer || got.Extensions.Issuer != signer.Issuer {
				t.Errorf("signed by %q of %q, extensions %+v", got.Subject, got.Issuer, got.Extensions)
			}
			if string(got.Statement) != string(b.UnverifiedStatement()) {
				t.Error("other statement")
			}
			if leaf := got.Certificates[0]; got.Time.Before(leaf.NotBefore) || got.Time.After(leaf.NotAfter) || got.TimeSource == "" {
				t.Errorf("at %v by %q, with a certificate for %v to %v", got.Time, got.TimeSource, leaf.NotBefore, leaf.NotAfter)
			}
			if len(got.Certificates) != 3 || !got.Certificates[2].IsCA {
				t.Errorf("chain of %d certificates", len(got.Certificates))
			}
			t.Log(got.Time.Format(time.RFC3339), got.TimeSource)
		})
	}
}

func TestIdentities(t *testing.T) {
	b, err := bundle.ReadFile(historical(t)[0])
	if err != nil {
		t.Fatal(err)
	}
	trust := publicGood(t)
	other := sigstore.Identity{Subject: "somebody@example.com", Issuer: "https://example.com"}
	with := func(change func(*sigstore.Identity)) sigstore.Policy {
		id := signer
		change(&id)
		return policy(id)
	}
	subject := func(expr string) sigstore.Policy {
		return with(func(id *sigstore.Identity) { id.Subject, id.SubjectRegexp = "", expr })
	}
	issuer := func(expr string) sigstore.Policy {
		return with(func(id *sigstore.Identity) { id.Issuer, id.IssuerRegexp = "", expr })
	}
	for name, test := range map[string]struct {
		sigstore.Policy
		want error
	}{
		"exact":                 {policy(signer), nil},
		"one of two":            {policy(other, signer), nil},
		"none of one":           {policy(other), sigstore.ErrIdentity},
		"any signer":            {sigstore.Policy{UnsafeAnySigner: true}, nil},
		"wrong subject":         {with(func(id *sigstore.Identity) { id.Subject = "stefanb@us.ibm.com " }), sigstore.ErrIdentity},
		"wrong issuer":          {with(func(id *sigstore.Identity) { id.Issuer += "/" }), sigstore.ErrIdentity},
		"regexp":                {subject(`[a-z]+@us\.ibm\.com`), nil},
		"regexp of a part":      {subject(`us\.ibm`), sigstore.ErrIdentity},
		"regexp of the start":   {subject(`stefanb@us`), sigstore.ErrIdentity},
		"regexp of the end":     {subject(`tefanb@us\.ibm\.com`), sigstore.ErrIdentity},
		"alternative of a part": {subject(`stefanb|alice`), sigstore.ErrIdentity},
		"multi-line":            {subject(`(?m)^stefanb@us$|x`), sigstore.ErrIdentity},
		"regexp of issuer":      {issuer(`https://.*\.ibm\.com/oauth2`), nil},
		"part of issuer":        {issuer(`ibm\.com`), sigstore.ErrIdentity},
		"extension":             {with(func(id *sigstore.Identity) { id.Extensions.SourceRepositoryURI = "https://example.com" }), sigstore.ErrIdentity},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := sigstore.NewVerifier(trust, test.Policy)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := v.Verify(t.Context(), b); !errors.Is(err, test.want) {
				t.Errorf("got error %v, want %v", err, test.want)
			}
		})
	}
}
