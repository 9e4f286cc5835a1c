//go:build !nosigstore

package sigstore_test

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/sigstore"
)

// Bundles of version 0.1 and 0.2 have a chain of certificates, which in later ones would be that of somebody's own.
func TestOldBundles(t *testing.T) {
	trust := publicGood(t)
	// The package of that module with its test data would bring a dependency.
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/sigstore/sigstore-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	real := read(t, filepath.Join(strings.TrimSpace(string(dir)), "pkg/testing/data/bundles/sigstore.js@2.0.0-provenance.sigstore.json"))
	v, err := sigstore.NewVerifier(trust, policy(sigstore.Identity{
		Subject:    "https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main",
		Issuer:     "https://token.actions.githubusercontent.com",
		Extensions: sigstore.Extensions{SourceRepositoryURI: "https://github.com/sigstore/sigstore-js"},
	}))
	if err != nil {
		t.Fatal(err)
	}
	version := func(n string) []byte {
		return bytes.Replace(real, []byte("version=0.1"), []byte("version="+n), 1)
	}
	// Version 0.1 did with the promise of the log, and this one has its proof, too.
	for _, n := range []string{"0.1", "0.2"} {
		all, err := bundle.ReadAll(bytes.NewReader(version(n)), bundle.MaxSize)
		if err != nil {
			t.Fatal(err)
		}
		if got := all[0].Method(); got != bundle.Sigstore {
			t.Errorf("version %s: signed by %s", n, got)
		}
		got, err := v.Verify(t.Context(), all[0])
		if err != nil {
			t.Errorf("version %s: %v", n, err)
			continue
		}
		if len(got.Certificates) < 2 || got.Time.Year() != 2023 {
			t.Errorf("version %s: %d certificates, at %v", n, len(got.Certificates), got.Time)
		}
	}
	all, err := bundle.ReadAll(bytes.NewReader(version("0.3")), bundle.MaxSize)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), all[0]); all[0].Method() != bundle.Certificate || !errors.Is(err, sigstore.ErrCertificate) {
		t.Errorf("version 0.3: signed by %s, got error %v", all[0].Method(), err)
	}
}
