//go:build unix

package e2e_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/bundle/provenance"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/internal/e2e"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

// workflowBuild is what the workflow of [e2e.Stack.WorkflowToken] may say of itself.
func workflowBuild() provenance.Build {
	return provenance.Build{
		Source:       provenance.Source{URI: "https://github.com/example/model", Ref: "refs/heads/main", Commit: "0123456789abcdef0123456789abcdef01234567"},
		EntryPoint:   ".github/workflows/sign.yml",
		Inputs:       map[string]string{"epochs": "3"},
		Trigger:      "push",
		Builder:      provenance.Builder{ID: e2e.WorkflowIdentity},
		InvocationID: "https://github.com/example/model/actions/runs/3/attempts/1",
	}
}

func attest(t *testing.T, stack *e2e.Stack, token, model string, b provenance.Build) (attestation string) {
	t.Helper()
	attestation = filepath.Join(t.TempDir(), "model.intoto.jsonl")
	err := signing.Config().UseSigstoreSigner(signing.Sigstore{
		IdentityToken: token, TrustConfigJSON: stack.TrustConfigJSON,
	}).SignProvenance(t.Context(), model, attestation, b)
	if err != nil {
		t.Fatal(err)
	}
	return attestation
}

// What a workflow says of its build is compared with the certificate that Fulcio gave it.
func TestWorkflowProvenance(t *testing.T) {
	for name, options := range bothRekors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack := e2e.Start(t, options)
			model, _ := newModel(t)
			config := verifying.Config().UseSigstoreVerifier(verifying.Sigstore{
				Identities:      []verifying.SigstoreIdentity{{SubjectRegexp: ".*", Issuer: stack.ActionsIssuer}},
				TrustConfigJSON: stack.TrustedRootJSON,
			})
			policy := verifying.ProvenancePolicy{
				BuilderID: e2e.WorkflowIdentity, SourceURI: "https://github.com/example/model", Branch: "main",
				EntryPoint: ".github/workflows/sign.yml", Inputs: map[string]string{"epochs": "3"},
			}
			good := attest(t, stack, stack.WorkflowToken(e2e.Claims{}), model, workflowBuild())
			p, err := config.VerifyProvenance(t.Context(), model, good, policy)
			if err != nil {
				t.Fatal(err)
			}
			for field, claim := range map[string]verifying.Claim{
				"builder": p.Builder, "source": p.Source, "ref": p.Ref, "commit": p.Commit, "entry point": p.EntryPoint,
				"trigger": p.Trigger, "invocation": p.Invocation,
			} {
				if !claim.Proven || claim.Value == "" {
					t.Errorf("%s: %+v", field, claim)
				}
			}
			least := provenance.Build{Builder: provenance.Builder{ID: e2e.WorkflowIdentity}}
			terse := attest(t, stack, stack.WorkflowToken(e2e.Claims{}), model, least)
			policy.Inputs = nil
			if p, err := config.VerifyProvenance(t.Context(), model, terse, policy); err != nil || p.Source.Value != "https://github.com/example/model" {
				t.Errorf("what only the certificate says: got %+v, %v", p, err)
			}
			for field, change := range contradictions {
				b := workflowBuild()
				change(&b)
				lie := attest(t, stack, stack.WorkflowToken(e2e.Claims{}), model, b)
				_, err := config.VerifyProvenance(t.Context(), model, lie, policy)
				wrong := new(verifying.ProvenanceError)
				if !errors.As(err, &wrong) || wrong.Field != field || wrong.Reason != verifying.Contradicted {
					t.Errorf("another %s: got error %v", field, err)
				}
			}
			weights := strings.Repeat("weights ", 1000)
			for what, files := range map[string]map[string]string{
				"swapped": {"config.json": weights, "weights/model.safetensors": "{}"},
				"renamed": {"config.jsom": "{}", "weights/model.safetensors": weights},
				"deleted": {"config.json": "{}"},
				"added":   {"config.json": "{}", "weights/model.safetensors": weights, "weights/more": ""},
				"":        {"config.json": "{}", "weights/model.safetensors": weights},
			} {
				other := filepath.Join(t.TempDir(), "finbert")
				for file, content := range files {
					write(t, filepath.Join(other, file), []byte(content))
				}
				_, err := config.VerifyProvenance(t.Context(), other, good, policy)
				if refused := errors.As(err, new(*verifying.MismatchError)); refused != (what != "") || what == "" && err != nil {
					t.Errorf("%q: got error %v", what, err)
				}
			}
		})
	}
}

// The build type of GitHub's attestations earns nothing where it is not GitHub that vouches for the workflow.
func TestLevelOfUnknownProvider(t *testing.T) {
	stack := e2e.Start(t, e2e.Options{})
	model, _ := newModel(t)
	m, err := hashing.Hash(model)
	if err != nil {
		t.Fatal(err)
	}
	statement, err := provenance.Marshal(m, provenance.Build{Builder: provenance.Builder{ID: e2e.WorkflowIdentity}})
	if err != nil {
		t.Fatal(err)
	}
	statement = bytes.ReplaceAll(statement, []byte(provenance.BuildType), []byte("https://actions.github.io/buildtypes/workflow/v1"))
	b, err := signing.Config().UseSigstoreSigner(signing.Sigstore{
		IdentityToken: stack.WorkflowToken(e2e.Claims{}), TrustConfigJSON: stack.TrustConfigJSON,
	}).SignStatement(t.Context(), statement)
	if err != nil {
		t.Fatal(err)
	}
	p, err := verifying.Config().UseSigstoreVerifier(verifying.Sigstore{
		Identities:      []verifying.SigstoreIdentity{{SubjectRegexp: ".*", Issuer: stack.ActionsIssuer}},
		TrustConfigJSON: stack.TrustedRootJSON,
	}).OpenProvenance(t.Context(), b, verifying.ProvenancePolicy{BuilderID: e2e.WorkflowIdentity})
	if err != nil {
		t.Fatal(err)
	}
	if p.Level != 1 || !p.Builder.Proven || p.Signer.Extensions.RunnerEnvironment != "github-hosted" {
		t.Errorf("level %d, builder %+v on %q", p.Level, p.Builder, p.Signer.Extensions.RunnerEnvironment)
	}
}

// contradictions are what a workflow may say that its certificate does not.
var contradictions = map[string]func(*provenance.Build){
	"builder": func(b *provenance.Build) {
		b.Builder.ID = strings.Replace(b.Builder.ID, "example/model", "example/trusted", 1)
	},
	"source":     func(b *provenance.Build) { b.Source.URI = "https://github.com/example/trusted" },
	"ref":        func(b *provenance.Build) { b.Source.Ref = "refs/tags/v1" },
	"commit":     func(b *provenance.Build) { b.Source.Commit = "1123456789abcdef0123456789abcdef01234567" },
	"entryPoint": func(b *provenance.Build) { b.EntryPoint = ".github/workflows/other.yml" },
	"trigger":    func(b *provenance.Build) { b.Trigger = "workflow_dispatch" },
	"invocation": func(b *provenance.Build) {
		b.InvocationID = "https://github.com/example/model/actions/runs/4/attempts/1"
	},
}

// A person's certificate proves nothing of a build, whatever the statement says: to trust the word of a signer has to be
// asked for.
func TestPersonsProvenance(t *testing.T) {
	stack := e2e.Start(t, e2e.Options{})
	model, _ := newModel(t)
	attestation := attest(t, stack, stack.Token(e2e.Claims{}), model, workflowBuild())
	policy := verifying.ProvenancePolicy{BuilderID: e2e.WorkflowIdentity}
	anybody := verifying.Sigstore{UnsafeAcceptAnySigner: true, TrustConfigJSON: stack.TrustedRootJSON}
	_, err := verifying.Config().UseSigstoreVerifier(anybody).VerifyProvenance(t.Context(), model, attestation, policy)
	wrong := new(verifying.ProvenanceError)
	if !errors.As(err, &wrong) || wrong.Field != "builder" || wrong.Reason != verifying.Unproven {
		t.Errorf("the word of anybody: got error %v", err)
	}
	config := verifying.Config().UseSigstoreVerifier(verifyPerson(stack))
	policy.AcceptAsserted = true
	p, err := config.VerifyProvenance(t.Context(), model, attestation, policy)
	if err != nil {
		t.Fatal(err)
	}
	if p.Builder.Proven || p.Source.Proven || p.Builder.Value != e2e.WorkflowIdentity {
		t.Errorf("builder %+v, source %+v", p.Builder, p.Source)
	}
	policy.BuilderID, policy.SourceURI = "", "https://github.com/example/model"
	if _, err := config.VerifyProvenance(t.Context(), model, attestation, policy); !errors.As(err, &wrong) || wrong.Field != "builder" {
		t.Errorf("without a builder: got error %v", err)
	}
}
