//go:build !nosigstore

package verifying_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/verifying"
)

// A vector is real provenance of a real artifact, from another builder.
type vector struct {
	artifact string
	policy   verifying.ProvenancePolicy
	level    int
}

const (
	gitHubIssuer   = "https://token.actions.githubusercontent.com"
	genericBuilder = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml"
)

var vectors = map[string]vector{
	"generic, tag": {"generic-v2.1.0/binary-linux-amd64-push-v14.2", verifying.ProvenancePolicy{
		BuilderID: genericBuilder + "@refs/tags/v2.1.0", SourceURI: "github.com/slsa-framework/example-package", Tag: "v14.2",
		Commit:      "4d329c75e7ec1725f7c9ce917a8799d408d06be3",
		EntryPoint:  ".github/workflows/verifier-e2e.all.workflow_dispatch.main.all.slsa3.yml",
		IgnoreNames: true,
	}, 3},
	"generic, branch": {"generic-v2.1.0/binary-linux-amd64-workflow_dispatch", verifying.ProvenancePolicy{
		BuilderID: genericBuilder, SourceURI: "git+https://github.com/slsa-framework/example-package", Branch: "main",
		IgnoreNames: true,
	}, 3},
	"GitHub, file": {"github-attestation/MODULE.bazel", verifying.ProvenancePolicy{
		BuilderID: "https://github.com/bazel-contrib/publish-to-bcr/.github/workflows/publish.yaml@refs/tags/v0.0.1",
		SourceURI: "https://github.com/aspect-build/rules_lint", Branch: "publish-to-bcr",
	}, 2},
	"GitHub, archive": {"github-attestation/rules_lint-v1.3.1.tar.gz", verifying.ProvenancePolicy{
		BuilderID:  "https://github.com/bazel-contrib/.github/.github/workflows/release_ruleset.yaml@refs/tags/v7.1.0",
		SourceURI:  "https://github.com/aspect-build/rules_lint",
		EntryPoint: ".github/workflows/release.yml",
	}, 2},
}

// provenanceVectors is the folder of real provenance, and publicGood a verifier of whoever signs with the public Sigstore
// in GitHub's workflows.
func provenanceVectors(t testing.TB) (dir string, publicGood verifying.Configuration) {
	t.Helper()
	all := os.Getenv("MODEL_SIGNING_VECTORS")
	if all == "" {
		t.Skip("MODEL_SIGNING_VECTORS names no folder of test vectors")
	}
	return filepath.Join(all, "provenance"), verifying.Config().UseSigstoreVerifier(verifying.Sigstore{
		TrustConfig: filepath.Join(all, "public-good/trusted_root.json"),
		Identities:  []verifying.SigstoreIdentity{{SubjectRegexp: ".*", Issuer: gitHubIssuer}},
	})
}

func TestRealProvenance(t *testing.T) {
	dir, config := provenanceVectors(t)
	for name, v := range vectors {
		t.Run(name, func(t *testing.T) {
			artifact := filepath.Join(dir, v.artifact)
			got, err := config.VerifyProvenance(t.Context(), artifact, artifact+".intoto.jsonl", v.policy)
			if err != nil {
				t.Fatal(err)
			}
			for field, claim := range map[string]verifying.Claim{
				"builder": got.Builder, "source": got.Source, "ref": got.Ref, "commit": got.Commit,
				"entry point": got.EntryPoint, "trigger": got.Trigger, "invocation": got.Invocation,
			} {
				if claim.Value == "" || !claim.Proven {
					t.Errorf("%s: %+v", field, claim)
				}
			}
			if got.Level != v.level {
				t.Errorf("level %d, want %d", got.Level, v.level)
			}
			if !strings.HasPrefix(got.Invocation.Value, got.Source.Value+"/actions/runs/") {
				t.Errorf("invocation %q", got.Invocation.Value)
			}
			if got.Signer.Time.IsZero() || got.Signer.Issuer != gitHubIssuer {
				t.Errorf("signer %+v", got.Signer)
			}
		})
	}
}

// Each expectation that is wrong by itself is refused by its name.
func TestRealProvenanceExpectations(t *testing.T) {
	dir, config := provenanceVectors(t)
	for field, change := range map[string]func(*verifying.ProvenancePolicy){
		"builder":    func(p *verifying.ProvenancePolicy) { p.BuilderID = strings.Replace(p.BuilderID, ".y", "x.y", 1) },
		"source":     func(p *verifying.ProvenancePolicy) { p.SourceURI += "s" },
		"ref":        func(p *verifying.ProvenancePolicy) { p.Branch, p.Tag = "", "v14.20" },
		"commit":     func(p *verifying.ProvenancePolicy) { p.Commit = strings.Repeat("0", 40) },
		"entryPoint": func(p *verifying.ProvenancePolicy) { p.EntryPoint = ".github/workflows/other.yml" },
		"inputs":     func(p *verifying.ProvenancePolicy) { p.Inputs = map[string]string{"epochs": "3"} },
	} {
		for name, v := range vectors {
			artifact := filepath.Join(dir, v.artifact)
			change(&v.policy)
			_, err := config.VerifyProvenance(t.Context(), artifact, artifact+".intoto.jsonl", v.policy)
			wrong := new(verifying.ProvenanceError)
			if !errors.As(err, &wrong) || wrong.Field != field || wrong.Reason != verifying.Unexpected || !errors.Is(err, verifying.ErrProvenance) {
				t.Errorf("%s: wrong %s: got error %v", name, field, err)
			}
		}
	}
	for name, v := range vectors {
		artifact := filepath.Join(dir, v.artifact)
		others := filepath.Join(dir, vectors["GitHub, file"].artifact)
		if name == "GitHub, file" {
			others += ".intoto.jsonl"
		}
		mismatch := new(verifying.MismatchError)
		if _, err := config.VerifyProvenance(t.Context(), others, artifact+".intoto.jsonl", v.policy); !errors.As(err, &mismatch) {
			t.Errorf("%s: another artifact: got error %v", name, err)
		}
		v.policy.IgnoreNames = false
		_, err := config.VerifyProvenance(t.Context(), artifact, artifact+".intoto.jsonl", v.policy)
		if generic := strings.HasPrefix(name, "generic"); generic != errors.As(err, &mismatch) {
			t.Errorf("%s: with its name: got error %v", name, err)
		}
	}
}

// Whoever calls a reusable workflow is built for: to expect it is to expect nothing. Those of the vectors that are
// slsa-framework's own are of the same owner.
func TestRealProvenanceOfAnybody(t *testing.T) {
	dir, config := provenanceVectors(t)
	for name, v := range vectors {
		artifact := filepath.Join(dir, v.artifact)
		policy := verifying.ProvenancePolicy{BuilderID: v.policy.BuilderID, IgnoreNames: v.policy.IgnoreNames}
		_, err := config.VerifyProvenance(t.Context(), artifact, artifact+".intoto.jsonl", policy)
		wrong := new(verifying.ProvenanceError)
		if strings.HasPrefix(name, "generic") {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		} else if !errors.As(err, &wrong) || wrong.Field != "source" || wrong.Reason != verifying.Unexpected {
			t.Errorf("%s: got error %v", name, err)
		}
	}
}

// A bundle of which a byte is changed is refused, wherever that is. What is changed is the first character of each string
// in it, where base64 leaves no bits unused.
func TestRealProvenanceBytes(t *testing.T) {
	dir, config := provenanceVectors(t)
	for name, v := range vectors {
		data, err := os.ReadFile(filepath.Join(dir, v.artifact+".intoto.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for path, mutant := range mutants(t, data) {
			count++
			all, err := bundle.ReadAll(bytes.NewReader(mutant), bundle.MaxSize)
			if err == nil {
				_, err = config.OpenProvenance(t.Context(), all[0], v.policy)
			}
			if err == nil {
				t.Errorf("%s: %s: changed, and accepted", name, path)
			}
		}
		if count < 12 {
			t.Errorf("%s: only %d changes", name, count)
		}
	}
}

// mutants returns copies of a document, each with another value in one place, by the path of that.
func mutants(t testing.TB, data []byte) map[string][]byte {
	t.Helper()
	var doc any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	found := map[string][]byte{}
	record := func(path string) {
		changed, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		found[path] = changed
	}
	var walk func(path string, v any, set func(any))
	walk = func(path string, v any, set func(any)) {
		switch v := v.(type) {
		case map[string]any:
			for k := range v {
				walk(path+"."+k, v[k], func(x any) { v[k] = x })
			}
		case []any:
			for i := range v {
				walk(path+"[]", v[i], func(x any) { v[i] = x })
			}
		case string:
			if v == "" || strings.HasSuffix(path, "keyid") {
				return // no reader looks at it
			}
			set(otherText(v))
			record(path)
			set(v)
		}
	}
	walk("", doc, func(any) {})
	return found
}

// otherText changes a bit of what a string says.
func otherText(s string) string {
	if raw, err := base64.StdEncoding.DecodeString(s); err == nil && len(raw) > 8 {
		raw[len(raw)/2] ^= 1
		return base64.StdEncoding.EncodeToString(raw)
	}
	if s[0] == '1' {
		return "2" + s[1:]
	}
	return "1" + s[1:]
}

// Several bundles in one file: one that will do is enough, and all that won't are told.
func TestJSONLines(t *testing.T) {
	dir, config := provenanceVectors(t)
	var lines bytes.Buffer
	for _, name := range []string{"generic, tag", "GitHub, file", "GitHub, archive"} {
		data, err := os.ReadFile(filepath.Join(dir, vectors[name].artifact+".intoto.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(bytes.TrimSpace(data))
		lines.WriteString("\n")
	}
	file := filepath.Join(t.TempDir(), "all.jsonl")
	if err := os.WriteFile(file, lines.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, v := range vectors {
		_, err := config.VerifyProvenance(t.Context(), filepath.Join(dir, v.artifact), file, v.policy)
		if name != "generic, branch" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if wrong := new(verifying.ProvenanceError); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "none of 3 bundles") {
			t.Errorf("%s: got error %v", name, err)
		}
	}
}

// What was signed before there was a log is refused, and the reason is told.
func TestBareEnvelope(t *testing.T) {
	dir, config := provenanceVectors(t)
	artifact := filepath.Join(dir, vectors["generic, tag"].artifact)
	all, err := bundle.ReadAllFile(artifact+".intoto.jsonl", bundle.MaxSize)
	if err != nil {
		t.Fatal(err)
	}
	b := all[0]
	old, err := json.Marshal(map[string]any{
		"payloadType": bundle.PayloadType, "payload": b.UnverifiedStatement(),
		"signatures": []any{map[string]any{"sig": b.Signature(), "keyid": "", "cert": "-----BEGIN CERTIFICATE-----"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "old.intoto.jsonl")
	if err := os.WriteFile(file, old, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = config.VerifyProvenance(t.Context(), artifact, file, vectors["generic, tag"].policy)
	if !errors.Is(err, bundle.ErrBareEnvelope) || !errors.Is(err, bundle.ErrMalformed) {
		t.Errorf("got error %v", err)
	}
}
