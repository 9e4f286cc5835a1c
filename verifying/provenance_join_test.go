package verifying_test

import (
	"crypto/elliptic"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/bundle/provenance"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/verifying"
)

// 1,500 files are more than a statement may list, and still bound by their names.
func TestProvenanceOfManyFiles(t *testing.T) {
	key := newKey(t, elliptic.P256())
	files := map[string]string{}
	for i := range 1500 {
		files[fmt.Sprintf("part/%04d", i)] = fmt.Sprint(i)
	}
	model, attestation := attested(t, signer(key), files, build)
	sig := filepath.Join(t.TempDir(), "model.sig")
	if err := signer(key).Sign(model, sig); err != nil {
		t.Fatal(err)
	}
	p, err := verifier(key).VerifyProvenance(t.Context(), model, attestation, trainer)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(p.Statement.Subjects); n > provenance.MaxSubjects {
		t.Errorf("%d subjects", n)
	}
	r := must(verifier(key).Verify(model, sig))
	if got, want := p.Statement.Subjects[0].Digest["sha256"], r.Manifest.Root().Hex; got != want {
		t.Errorf("root digest %s, and of the signature %s", got, want)
	}
	if err := p.Agrees(r); err != nil {
		t.Error(err)
	}
	a, b := filepath.Join(model, "part/0000"), filepath.Join(model, "part/0001")
	rename(t, a, a+"x")
	rename(t, b, a)
	rename(t, a+"x", b)
	mismatch := new(verifying.MismatchError)
	if _, err := verifier(key).VerifyProvenance(t.Context(), model, attestation, trainer); !errors.As(err, &mismatch) || len(mismatch.Changed) != 2 {
		t.Errorf("two files swapped: got error %v", err)
	}
}

// The root digest covers no names: that a signature and provenance are about the same files is seen by the names.
func TestAgrees(t *testing.T) {
	key := newKey(t, elliptic.P256())
	sign := func(files map[string]string, h hashing.Configuration) (*verifying.Result, *verifying.Provenance) {
		t.Helper()
		s := signer(key).SetHashingConfig(h)
		model, attestation := attested(t, s, files, build)
		sig := filepath.Join(t.TempDir(), "model.sig")
		if err := s.Sign(model, sig); err != nil {
			t.Fatal(err)
		}
		return must(verifier(key).Verify(model, sig)), must(verifier(key).VerifyProvenance(t.Context(), model, attestation, trainer))
	}
	files := map[string]string{"a": "1", "b": "2", "empty": ""}
	swapped, renamed := map[string]string{"a": "2", "b": "1", "empty": ""}, map[string]string{"a": "1", "c": "2", "empty": ""}
	shards := hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 1})
	blake := func(a manifest.Algorithm) *verifying.Provenance {
		return second(sign(files, hashing.Config().UseFileSerialization(hashing.Files{Algorithm: a})))
	}
	r, p := sign(files, hashing.Config())
	rShards, pShards := sign(files, shards)
	for name, test := range map[string]struct {
		r    *verifying.Result
		p    *verifying.Provenance
		want bool
	}{
		"same":                {r, p, true},
		"same shards":         {rShards, pShards, true},
		"other shards":        {rShards, second(sign(files, hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 2}))), true},
		"signed by shards":    {rShards, p, true},
		"attested by shards":  {r, pShards, true},
		"BLAKE2b":             {r, blake(manifest.BLAKE2b), true},
		"BLAKE2b and shards":  {rShards, blake(manifest.BLAKE2b), true},
		"BLAKE3 and shards":   {rShards, blake(manifest.BLAKE3), true},
		"one more, by shards": {rShards, second(sign(map[string]string{"a": "1", "b": "2", "c": "3"}, hashing.Config())), false},
		"swapped":             {r, second(sign(swapped, hashing.Config())), false},
		"renamed":             {r, second(sign(renamed, hashing.Config())), false},
		"renamed, by shards":  {r, second(sign(renamed, shards)), false},
		"one more":            {r, second(sign(map[string]string{"a": "1", "b": "2", "c": "", "empty": ""}, hashing.Config())), false},
		"one less":            {r, second(sign(map[string]string{"a": "1", "empty": ""}, hashing.Config())), false},
		"one less, by shards": {r, second(sign(map[string]string{"a": "1", "empty": ""}, shards)), false},
	} {
		if err := test.p.Agrees(test.r); (err == nil) != test.want || err != nil && !errors.As(err, new(*verifying.MismatchError)) {
			t.Errorf("%s: got error %v", name, err)
		}
	}
}

// The Python reference calls the only file of a model ".", which is then the one that the provenance lists.
func TestAgreesOnFile(t *testing.T) {
	key := newKey(t, elliptic.P256())
	model := filepath.Join(tree(t, map[string]string{"weights.bin": "1"}), "weights.bin")
	attestation := filepath.Join(t.TempDir(), "model.intoto.jsonl")
	if err := signer(key).SignProvenance(t.Context(), model, attestation, build); err != nil {
		t.Fatal(err)
	}
	p := must(verifier(key).VerifyProvenance(t.Context(), model, attestation, trainer))
	m := *p.Manifest
	m.Resources = slices.Clone(m.Resources)
	m.Resources[0].Path = "."
	if err := p.Agrees(&verifying.Result{Manifest: &m}); err != nil {
		t.Error(err)
	}
	m.Resources[0].Digest.Hex = strings.Repeat("0", 64)
	if err := p.Agrees(&verifying.Result{Manifest: &m}); !errors.As(err, new(*verifying.MismatchError)) {
		t.Errorf("another content: got error %v", err)
	}
}

// A file that is not signed is no less so where the two were hashed in different ways.
func TestAgreesOnUnsigned(t *testing.T) {
	key := newKey(t, elliptic.P256())
	model := tree(t, map[string]string{"a": "1"})
	dir := t.TempDir()
	sig, attestation := filepath.Join(dir, "model.sig"), filepath.Join(dir, "model.intoto.jsonl")
	shards := hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 1})
	if err := signer(key).SetHashingConfig(shards).Sign(model, sig); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(model, "evil"), "x")
	if err := signer(key).SignProvenance(t.Context(), model, attestation, build); err != nil {
		t.Fatal(err)
	}
	p := must(verifier(key).VerifyProvenance(t.Context(), model, attestation, trainer))
	r := must(verifier(key).SetIgnoreUnsignedFiles(true).Verify(model, sig))
	mismatch := new(verifying.MismatchError)
	if err := p.Agrees(r); !errors.As(err, &mismatch) || !slices.Equal(mismatch.Extra, []string{"evil"}) {
		t.Errorf("got error %v", err)
	}
}

// Of several bundles, each is compared with what it lists, not with what one before it did.
func TestProvenanceOfTwoModels(t *testing.T) {
	key := newKey(t, elliptic.P256())
	_, first := attested(t, signer(key), map[string]string{"saved_model.pb": "another"}, build)
	model, second := attested(t, signer(key), savedModel, build)
	shards := hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 3})
	_, third := attested(t, signer(key).SetHashingConfig(shards), map[string]string{"saved_model.pb": "another"}, build)
	for _, other := range []string{first, third} {
		var lines []byte
		for _, name := range []string{other, second} {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(append(lines, data...), '\n')
		}
		file := filepath.Join(t.TempDir(), "two.jsonl")
		write(t, file, string(lines))
		for _, ignore := range []bool{false, true} {
			config := verifier(key).SetIgnoreUnsignedFiles(ignore)
			if p, err := config.VerifyProvenance(t.Context(), model, file, trainer); err != nil || len(p.Manifest.Resources) != len(savedModel) {
				t.Errorf("ignore %v: got %v", ignore, err)
			}
		}
	}
}
