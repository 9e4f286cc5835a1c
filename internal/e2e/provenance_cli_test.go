//go:build unix

package e2e_test

import (
	"io"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/internal/e2e"
)

// A workflow signs a model, and how it was built, with what its environment says; both are verified at once.
func TestProvenanceCommandLine(t *testing.T) {
	stack := e2e.Start(t, e2e.Options{})
	c := newCLI(t, stack)
	c.env = []string{
		"ACTIONS_ID_TOKEN_REQUEST_URL=" + stack.MintURL, "ACTIONS_ID_TOKEN_REQUEST_TOKEN=" + stack.MintToken,
		"GITHUB_ACTIONS=true", "GITHUB_SERVER_URL=https://github.com", "GITHUB_REPOSITORY=example/model",
		"GITHUB_WORKFLOW_REF=example/model/.github/workflows/sign.yml@refs/heads/main", "GITHUB_REF=refs/heads/main",
		"GITHUB_SHA=0123456789abcdef0123456789abcdef01234567", "GITHUB_RUN_ID=3", "GITHUB_RUN_ATTEMPT=1", "GITHUB_EVENT_NAME=push",
	}
	create := func(args ...string) {
		t.Helper()
		c.run(0, nil, io.Discard, append([]string{"provenance", "create", "finbert", "--trust-config", "trust.json",
			"--use-ambient-credentials", "--environment", "auto"}, args...)...)
	}
	verify := func(code int, args ...string) string {
		t.Helper()
		return c.run(code, nil, io.Discard, append([]string{"provenance", "verify", "finbert", "--provenance", "model.intoto.jsonl",
			"--trust-config", "root.json", "--identity-provider", stack.ActionsIssuer, "--source-uri", "github.com/example/model"}, args...)...)
	}
	refused := func(want string, args ...string) {
		t.Helper()
		if said := verify(1, args...); !strings.Contains(said, want) {
			t.Errorf("%q: said %s", args, said)
		}
	}
	create()
	c.sign(0, "--use-ambient-credentials")
	verify(0, "--builder-id", e2e.WorkflowIdentity, "--branch", "main", "--model-signature", "model.sig")
	refused("ref: is", "--branch", "dev")
	refused("builder: is", "--builder-id", strings.Replace(e2e.WorkflowIdentity, "sign.yml", "train.yml", 1))

	// The signature is by a person, whom somebody has to name.
	c.sign(0, "--identity-token", stack.Token(e2e.Claims{}))
	refused("signed by another identity", "--model-signature", "model.sig")
	verify(0, "--model-signature", "model.sig", "--model-identity", "person@example.com", "--model-identity-provider", stack.Issuer)
	refused("signed by another identity", "--model-signature", "model.sig", "--model-identity", "other@example.com", "--model-identity-provider", stack.Issuer)

	// The signature is by another workflow of the same provider.
	other := map[string]any{"job_workflow_ref": "example/other/.github/workflows/sign.yml@refs/heads/main"}
	c.sign(0, "--identity-token", stack.WorkflowToken(e2e.Claims{Extra: other}))
	refused("the model's signature is by", "--model-signature", "model.sig")

	// What the workflow says of itself is another's.
	create("--builder-id", strings.Replace(e2e.WorkflowIdentity, "example/model", "example/trusted", 1))
	refused("builder: it says")
	create("--source-uri", "https://github.com/example/trusted")
	refused("source: it says")
}
