package verifying_test

import (
	"context"
	"crypto/elliptic"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/bundle/provenance"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/internal/certtest"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

// savedModel are the files of a directory like TensorFlow's.
var savedModel = map[string]string{
	"saved_model.pb": "graph", "fingerprint.pb": "fingerprint", "assets/vocab.txt": "a b c",
	"variables/variables.data-00000-of-00001": "weights", "variables/variables.index": "index",
}

const builder = "https://builder.example.com/trainer@v1"

var build = provenance.Build{
	Source:     provenance.Source{URI: "https://github.com/example/finbert", Ref: "refs/heads/main", Commit: strings.Repeat("1", 40)},
	EntryPoint: "train.py", Inputs: map[string]string{"epochs": "3"},
	Builder: provenance.Builder{ID: builder},
}

var trainer = verifying.ProvenancePolicy{BuilderID: builder}

// attested returns a model and its provenance beside it.
func attested(t testing.TB, s signing.Configuration, files map[string]string, b provenance.Build) (model, attestation string) {
	t.Helper()
	model = tree(t, files)
	attestation = filepath.Join(filepath.Dir(model), "model.intoto.jsonl")
	if err := s.SignProvenance(t.Context(), model, attestation, b); err != nil {
		t.Fatal(err)
	}
	return model, attestation
}

// Swapping contents, renaming with the order kept, deleting and adding: names and contents are one set.
func TestProvenanceOfModel(t *testing.T) {
	root := certtest.Root(t)
	leaf := certtest.Leaf(t, root)
	key := newKey(t, elliptic.P384())
	for name, method := range map[string]struct {
		sign   signing.Configuration
		verify verifying.Configuration
	}{
		"key": {signer(key), verifier(key)},
		"certificate": {
			signing.Config().UseCertificateSigner(signing.Certificate{PrivateKey: leaf.KeyFile(t), SigningCertificate: certtest.Files(t, leaf)}),
			verifying.Config().UseCertificateVerifier(verifying.Certificate{CertificateChain: []string{certtest.Files(t, root)}}),
		},
		"one of two keys": {signer(key), verifying.Config().UseAny(verifier(newKey(t, elliptic.P256())), verifier(key))},
	} {
		for _, h := range []hashing.Configuration{
			hashing.Config(),
			hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 3, Algorithm: manifest.BLAKE3}),
		} {
			model, attestation := attested(t, method.sign.SetHashingConfig(h), savedModel, build)
			verify := func() (*verifying.Provenance, error) {
				return method.verify.VerifyProvenance(t.Context(), model, attestation, trainer)
			}
			p, err := verify()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if want := (verifying.Claim{Value: builder}); p.Builder != want || p.Level != 1 {
				t.Errorf("%s: builder %+v, level %d", name, p.Builder, p.Level)
			}
			if p.Source.Value != build.Source.URI || p.Source.Proven || p.Commit.Value != build.Source.Commit || p.Commit.Proven || p.EntryPoint.Value != "train.py" {
				t.Errorf("%s: %+v", name, p)
			}
			for what, change := range mutilations {
				undo := change(t, model)
				if _, err := verify(); !errors.As(err, new(*verifying.MismatchError)) {
					t.Errorf("%s: %s: got error %v", name, what, err)
				}
				undo()
				if _, err := verify(); err != nil {
					t.Fatalf("%s: %s was undone: %v", name, what, err)
				}
			}
		}
	}
}

// mutilations change a model of savedModel, and return what takes that back.
var mutilations = map[string]func(t testing.TB, model string) func(){
	"two contents swapped": func(t testing.TB, model string) func() {
		swap := func() {
			a, b := filepath.Join(model, "saved_model.pb"), filepath.Join(model, "fingerprint.pb")
			rename(t, a, a+"x")
			rename(t, b, a)
			rename(t, a+"x", b)
		}
		swap()
		return swap
	},
	"renamed with the order kept": func(t testing.TB, model string) func() {
		old, other := filepath.Join(model, "saved_model.pb"), filepath.Join(model, "saved_model.pc")
		rename(t, old, other)
		return func() { rename(t, other, old) }
	},
	"deleted": func(t testing.TB, model string) func() {
		file := filepath.Join(model, "assets/vocab.txt")
		rename(t, file, model+".away")
		return func() { rename(t, model+".away", file) }
	},
	"added": func(t testing.TB, model string) func() {
		file := filepath.Join(model, "variables/more")
		write(t, file, "x")
		return func() { os.Remove(file) }
	},
}

func rename(t testing.TB, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func TestProvenancePolicy(t *testing.T) {
	key := newKey(t, elliptic.P256())
	model, attestation := attested(t, signer(key), savedModel, build)
	accept := func(change func(*verifying.ProvenancePolicy)) error {
		p := trainer
		change(&p)
		_, err := verifier(key).VerifyProvenance(t.Context(), model, attestation, p)
		return err
	}
	if err := accept(func(p *verifying.ProvenancePolicy) {
		p.SourceURI, p.Branch, p.Commit, p.EntryPoint = "github.com/example/finbert.git", "main", build.Source.Commit, "train.py"
		p.Inputs = map[string]string{"epochs": "3"}
	}); err != nil {
		t.Error(err)
	}
	for _, test := range []struct {
		field  string
		change func(*verifying.ProvenancePolicy)
	}{
		{"builder", func(p *verifying.ProvenancePolicy) { p.BuilderID, p.SourceURI = "", build.Source.URI }}, // a key proves no source
		{"builder", func(p *verifying.ProvenancePolicy) { p.BuilderID = strings.TrimSuffix(builder, "@v1") }},
		{"builder", func(p *verifying.ProvenancePolicy) { p.BuilderID += "0" }},
		{"source", func(p *verifying.ProvenancePolicy) { p.SourceURI = "https://github.com/example/finbert2" }},
		{"source", func(p *verifying.ProvenancePolicy) { p.SourceURI = "http://github.com/example/finbert" }},
		{"ref", func(p *verifying.ProvenancePolicy) { p.Branch = "mai" }},
		{"ref", func(p *verifying.ProvenancePolicy) { p.Tag = "main" }},
		{"commit", func(p *verifying.ProvenancePolicy) { p.Commit = "1111111" }},
		{"entryPoint", func(p *verifying.ProvenancePolicy) { p.EntryPoint = "./train.py" }},
		{"inputs", func(p *verifying.ProvenancePolicy) { p.Inputs = map[string]string{"epochs": "30"} }},
		{"inputs", func(p *verifying.ProvenancePolicy) { p.Inputs = map[string]string{"rate": ""} }},
	} {
		wrong := new(verifying.ProvenanceError)
		if err := accept(test.change); !errors.As(err, &wrong) || wrong.Field != test.field || wrong.Reason != verifying.Unexpected {
			t.Errorf("%s: got error %v", test.field, err)
		}
	}
	for _, change := range []func(*verifying.ProvenancePolicy){
		func(p *verifying.ProvenancePolicy) { p.BuilderID = "" },
		func(p *verifying.ProvenancePolicy) { p.Branch, p.Tag = "main", "v1" },
		func(p *verifying.ProvenancePolicy) { p.Branch = "refs/heads/main" },
		func(p *verifying.ProvenancePolicy) { p.Tag = "refs/tags/v1" },
		func(p *verifying.ProvenancePolicy) { p.SourceURI = "git+" }, // and a variable that is not set
		func(p *verifying.ProvenancePolicy) { p.SourceURI = ".git/" },
		func(p *verifying.ProvenancePolicy) { p.IgnoreNames = true }, // of a directory
	} {
		if err := accept(change); err == nil || errors.Is(err, verifying.ErrProvenance) {
			t.Errorf("a policy that is none: got error %v", err)
		}
	}
}

func TestProvenanceRefused(t *testing.T) {
	key, other := newKey(t, elliptic.P256()), newKey(t, elliptic.P256())
	model, attestation := attested(t, signer(key), savedModel, build)
	sig := filepath.Join(t.TempDir(), "model.sig")
	if err := signer(key).Sign(model, sig); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		config verifying.Configuration
		file   string
		want   error
	}{
		"no verifier":   {verifying.Config(), attestation, verifying.ErrNoVerifier},
		"another key":   {verifier(other), attestation, verifying.ErrIdentity},
		"a signature":   {verifier(key), sig, bundle.ErrMalformed},
		"nothing":       {verifier(key), sig + "x", os.ErrNotExist},
		"above a limit": {verifier(key).SetMaxBundleSize(100), attestation, bundle.ErrMalformed},
	} {
		if _, err := test.config.VerifyProvenance(t.Context(), model, test.file, trainer); !errors.Is(err, test.want) {
			t.Errorf("%s: got error %v, want %v", name, err, test.want)
		}
	}
	if _, err := verifier(key).Verify(model, attestation); !errors.Is(err, bundle.ErrMalformed) {
		t.Errorf("provenance as a signature: got error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := verifier(key).VerifyProvenance(ctx, model, attestation, trainer); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got error %v", err)
	}
}

// What stands under an attestation's name is replaced if it is one, and its own place in a model does not count.
func TestProvenanceInside(t *testing.T) {
	key := newKey(t, elliptic.P256())
	model := tree(t, savedModel)
	sig, attestation := filepath.Join(model, "model.sig"), filepath.Join(model, "model.intoto.jsonl")
	if err := signer(key).Sign(model, sig); err != nil {
		t.Fatal(err)
	}
	if err := signer(key).SignProvenance(t.Context(), model, sig, build); !errors.Is(err, signing.ErrTarget) {
		t.Errorf("a signature in its place: got error %v", err)
	}
	ignoring := hashing.Config().AddIgnoredPaths("model.sig", "model.intoto.jsonl")
	for range 2 {
		if err := signer(key).SetHashingConfig(ignoring).SignProvenance(t.Context(), model, attestation, build); err != nil {
			t.Fatal(err)
		}
	}
	if err := signer(key).Sign(model, attestation); !errors.Is(err, signing.ErrTarget) {
		t.Errorf("provenance in the place of a signature: got error %v", err)
	}
	p, err := verifier(key).VerifyProvenance(t.Context(), model, attestation, trainer)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"model.intoto.jsonl", "model.sig"}; !slices.Equal(p.Ignored, want) {
		t.Errorf("ignored %q, want %q", p.Ignored, want)
	}
	r, err := verifier(key).SetHashingConfig(ignoring).Verify(model, sig)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Agrees(r); err != nil {
		t.Error(err)
	}
}

// Files that the provenance lists may be missing if the policy says so, but no part of a file, and not all of them.
func TestPartialProvenance(t *testing.T) {
	key := newKey(t, elliptic.P256())
	shards := hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 3})
	model, attestation := attested(t, signer(key).SetHashingConfig(shards), savedModel, build)
	partial := trainer
	partial.Partial = true
	verify := func() (*verifying.Provenance, error) {
		return verifier(key).VerifyProvenance(t.Context(), model, attestation, partial)
	}
	if err := os.RemoveAll(filepath.Join(model, "variables")); err != nil {
		t.Fatal(err)
	}
	p, err := verify()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"variables/variables.data-00000-of-00001", "variables/variables.index"}; !slices.Equal(p.Absent, want) {
		t.Errorf("absent %q, want %q", p.Absent, want)
	}
	write(t, filepath.Join(model, "saved_model.pb"), "gra")
	mismatch := new(verifying.MismatchError)
	if _, err := verify(); !errors.As(err, &mismatch) || !slices.Equal(mismatch.Missing, []string{"saved_model.pb:3:5"}) {
		t.Errorf("a file cut off: got error %v", err)
	}
	write(t, filepath.Join(model, "saved_model.pb"), "")
	if _, err := verify(); !errors.As(err, &mismatch) || len(mismatch.Missing) != 2 {
		t.Errorf("a file emptied: got error %v", err)
	}
	write(t, filepath.Join(model, "saved_model.pb"), "graph")
	write(t, filepath.Join(model, "more"), "x")
	if _, err := verify(); !errors.As(err, &mismatch) || !slices.Equal(mismatch.Extra, []string{"more:0:1"}) {
		t.Errorf("a file more: got error %v", err)
	}
	for _, name := range []string{"more", "saved_model.pb", "fingerprint.pb", "assets"} {
		if err := os.RemoveAll(filepath.Join(model, name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := verify(); !errors.As(err, &mismatch) {
		t.Errorf("no file at all: got error %v", err)
	}
}

// What restricts the verifying of a signature does not restrict that of provenance.
func TestProvenanceNotOnly(t *testing.T) {
	key := newKey(t, elliptic.P256())
	model, attestation := attested(t, signer(key), savedModel, build)
	write(t, filepath.Join(model, "fingerprint.pb"), "changed")
	mismatch := new(verifying.MismatchError)
	_, err := verifier(key).SetOnly("saved_model.pb").VerifyProvenance(t.Context(), model, attestation, trainer)
	if !errors.As(err, &mismatch) || len(mismatch.Changed) != 1 {
		t.Errorf("got error %v", err)
	}
}

// A build that nobody would sign is refused before the model is read.
func TestSignProvenanceChecksFirst(t *testing.T) {
	file := filepath.Join(t.TempDir(), "none.intoto.jsonl")
	err := signer(newKey(t, elliptic.P256())).SignProvenance(t.Context(), filepath.Join(t.TempDir(), "none"), file, provenance.Build{})
	if err == nil || errors.Is(err, os.ErrNotExist) {
		t.Errorf("got error %v", err)
	}
}

// A model that is one file may have another name, if the policy says so.
func TestProvenanceOfFile(t *testing.T) {
	key := newKey(t, elliptic.P256())
	dir := tree(t, map[string]string{"weights.bin": "weights"})
	file, attestation := filepath.Join(dir, "weights.bin"), filepath.Join(dir, "weights.intoto.jsonl")
	if err := signer(key).SignProvenance(t.Context(), file, attestation, build); err != nil {
		t.Fatal(err)
	}
	if _, err := verifier(key).VerifyProvenance(t.Context(), file, attestation, trainer); err != nil {
		t.Error(err)
	}
	other := filepath.Join(dir, "other.bin")
	rename(t, file, other)
	if _, err := verifier(key).VerifyProvenance(t.Context(), other, attestation, trainer); !errors.As(err, new(*verifying.MismatchError)) {
		t.Errorf("another name: got error %v", err)
	}
	anyName := trainer
	anyName.IgnoreNames = true
	if _, err := verifier(key).VerifyProvenance(t.Context(), other, attestation, anyName); err != nil {
		t.Error(err)
	}
	write(t, other, "weightz")
	if _, err := verifier(key).VerifyProvenance(t.Context(), other, attestation, anyName); !errors.As(err, new(*verifying.MismatchError)) {
		t.Errorf("another content: got error %v", err)
	}
}

// One configuration verifies in many goroutines.
func TestProvenanceConcurrently(t *testing.T) {
	key := newKey(t, elliptic.P256())
	model, attestation := attested(t, signer(key), savedModel, build)
	config := verifier(key)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := config.VerifyProvenance(t.Context(), model, attestation, trainer); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// A statement of any kind is signed and opened.
func TestStatement(t *testing.T) {
	key := newKey(t, elliptic.P256())
	want := `{"_type":"https://in-toto.io/Statement/v1","subject":[],"predicateType":"https://example.com"}`
	b, err := signer(key).SignStatement(t.Context(), []byte(want))
	if err != nil {
		t.Fatal(err)
	}
	got, who, err := verifier(key).OpenStatement(t.Context(), b)
	if err != nil || string(got) != want || who.Subject != hint(t, key) {
		t.Errorf("got %s by %+v, %v", got, who, err)
	}
	if _, _, err := verifier(newKey(t, elliptic.P256())).OpenStatement(t.Context(), b); !errors.Is(err, verifying.ErrIdentity) {
		t.Errorf("another key: got error %v", err)
	}
	if _, err := signer(key).SignStatement(t.Context(), nil); err == nil {
		t.Error("nothing was signed")
	}
	if _, err := signing.Config().SignStatement(t.Context(), []byte(want)); !errors.Is(err, signing.ErrNoSigner) {
		t.Errorf("no signer: got error %v", err)
	}
}
