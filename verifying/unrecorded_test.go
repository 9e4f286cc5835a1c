package verifying_test

import (
	"context"
	"crypto/elliptic"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/bundle/provenance"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/verifying"
)

// unrecorded returns the manifest of a model with these of its files, as the reference makes it where it ignores nothing.
func unrecorded(t *testing.T, model string, files ...string) *manifest.Manifest {
	t.Helper()
	m := must(hashing.Config().SetIgnoreGitPaths(false).Hash(model))
	m.Serialization.IgnorePaths = nil
	m.Resources = slices.DeleteFunc(m.Resources, func(r manifest.Resource) bool { return !slices.Contains(files, r.Path) })
	return m
}

// Two statements that record no ignored paths, one of which has a file of git's, have the model hashed in two ways.
func TestUnrecordedThreshold(t *testing.T) {
	model := tree(t, map[string]string{"weights": "w", ".gitattributes": "g"})
	one, two := newKey(t, elliptic.P256()), newKey(t, elliptic.P256())
	first := sign(t, one, must(bundle.MarshalStatement(unrecorded(t, model, "weights", ".gitattributes"))))
	second := sign(t, two, must(bundle.MarshalStatement(unrecorded(t, model, "weights"))))
	config := verifying.Config().UseAny(verifier(one), verifier(two))
	if _, err := config.VerifyThresholdFS(t.Context(), os.DirFS(model), "model", 2, first, second); err != nil {
		t.Error(err)
	}
	write(t, filepath.Join(model, ".gitattributes"), "changed")
	if _, err := config.VerifyThresholdFS(t.Context(), os.DirFS(model), "model", 2, first, second); err == nil {
		t.Error("a changed file that one has signed was not looked at")
	}
}

// What an older bundle of the same file left out is hashed for the next all the same.
func TestUnrecordedProvenance(t *testing.T) {
	model := tree(t, map[string]string{"weights": "w", ".gitattributes": "g"})
	key := newKey(t, elliptic.P256())
	statement := func(m *manifest.Manifest) []byte {
		return must(provenance.Marshal(m, provenance.Build{Builder: provenance.Builder{ID: builder}}))
	}
	old := unrecorded(t, model, "weights")
	old.Resources[0].Digest = manifest.NewDigest(manifest.SHA256, make([]byte, 32))
	attestation := filepath.Join(filepath.Dir(model), "model.intoto.jsonl")
	lines := slices.Concat(must(sign(t, key, statement(old)).MarshalJSON()), []byte("\n"),
		must(sign(t, key, statement(unrecorded(t, model, "weights", ".gitattributes"))).MarshalJSON()))
	write(t, attestation, string(lines))
	for _, partial := range []bool{false, true} {
		policy := verifying.ProvenancePolicy{BuilderID: builder, Partial: partial}
		write(t, filepath.Join(model, ".gitattributes"), "g")
		r, err := verifier(key).VerifyProvenance(t.Context(), model, attestation, policy)
		if err != nil || len(r.Absent)+len(r.Ignored) > 0 {
			t.Errorf("partial %t: got %+v, %v", partial, r, err)
		}
		write(t, filepath.Join(model, ".gitattributes"), "changed")
		if r, err := verifier(key).VerifyProvenance(t.Context(), model, attestation, policy); err == nil {
			t.Errorf("partial %t: a changed file passes: %+v", partial, r)
		}
	}
}

// A model that is one file may have the name of one of git's.
func TestUnrecordedSingleFile(t *testing.T) {
	dir, key := tree(t, map[string]string{".gitattributes": "g"}), newKey(t, elliptic.P256())
	model := filepath.Join(dir, ".gitattributes")
	m := must(hashing.Hash(model))
	files := []manifest.File{{Path: ".gitattributes", Size: 1, Digest: m.Resources[0].Digest}}
	m.Serialization.IgnorePaths = nil
	// Nothing but the reference calls the file ".".
	b := sign(t, key, []byte(strings.ReplaceAll(string(must(bundle.MarshalStatement(m))), `{"name":".gitattributes","digest":"`, `{"name":".","digest":"`)))
	if _, err := verifier(key).VerifyFiles(t.Context(), "model", files, b); err != nil {
		t.Errorf("VerifyFiles: %v", err)
	}
	r := must(verifier(key).Receive(t.Context(), b))
	w, err := r.Create(".gitattributes")
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write([]byte("g"))
	if err := errors.Join(err, w.Close(), second(r.Close())); err != nil {
		t.Errorf("Receive: %v", err)
	}
}

// whatever is a verifier of the caller's, for bundles that no file holds.
type whatever struct{}

func (whatever) Verify(_ context.Context, b *bundle.Bundle) ([]byte, verifying.Identity, error) {
	return b.UnverifiedStatement(), verifying.Identity{}, nil
}

// What is of no method that is known may be for a verifier of the caller's.
func TestAnyOfNoMethod(t *testing.T) {
	statement := must(bundle.MarshalStatement(must(hashing.Hash(tree(t, small)))))
	b := bundle.New(statement, []byte("mine"), nil)
	own, key := verifying.Config().UseVerifier(whatever{}), verifier(newKey(t, elliptic.P256()))
	for _, c := range []verifying.Configuration{verifying.Config().UseAny(own, key), verifying.Config().UseAny(key, own)} {
		if _, err := c.Open(t.Context(), b); err != nil {
			t.Error(err)
		}
	}
	if _, err := verifying.Config().UseAny(key, key).Open(t.Context(), b); !errors.Is(err, verifying.ErrMethod) {
		t.Errorf("got %v", err)
	}
}
