//go:build unix

package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/modelsigning/modelsigning/internal/e2e"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

// The Python reference verifies what we sign with a private instance, and we verify what it signs.
func TestPython(t *testing.T) {
	python := os.Getenv("MODEL_SIGNING_PYTHON")
	if python == "" {
		t.Skip("MODEL_SIGNING_PYTHON names no Python with the reference; go run ./internal/check installs it")
	}
	for name, options := range bothRekors {
		t.Run(name, func(t *testing.T) {
			stack := e2e.Start(t, options)
			config := write(t, filepath.Join(t.TempDir(), "trust.json"), stack.TrustConfigJSON)
			reference := func(want bool, args ...string) {
				t.Helper()
				cmd := exec.CommandContext(t.Context(), python, append([]string{"-m", "model_signing"}, args...)...)
				cmd.Env = append(os.Environ(), "PYTHONUTF8=1", "PYTHONDONTWRITEBYTECODE=1")
				if out, err := cmd.CombinedOutput(); (err == nil) != want {
					t.Fatalf("the reference: %v\n%s", err, out)
				}
			}

			t.Run("theirs of ours", func(t *testing.T) {
				model, signature := newModel(t)
				err := signing.Config().UseSigstoreSigner(signing.Sigstore{
					IdentityToken: stack.Token(e2e.Claims{}), TrustConfig: config,
				}).Sign(model, signature)
				if err != nil {
					t.Fatal(err)
				}
				verify := func(want bool, identity string) {
					t.Helper()
					reference(want, "verify", "sigstore", model, "--signature", signature, "--trust_config", config,
						"--identity", identity, "--identity_provider", stack.Issuer)
				}
				verify(true, "person@example.com")
				verify(false, "somebody@example.com")
				write(t, filepath.Join(model, "config.json"), []byte("[]"))
				verify(false, "person@example.com")
			})

			t.Run("ours of theirs", func(t *testing.T) {
				model, signature := newModel(t)
				reference(true, "sign", "sigstore", model, "--signature", signature, "--trust_config", config,
					"--identity_token", stack.Token(e2e.Claims{}))
				v := verifying.Config().UseSigstoreVerifier(verifyPerson(stack))
				if _, err := v.Verify(model, signature); err != nil {
					t.Error(err)
				}
				write(t, filepath.Join(model, "config.json"), []byte("[]"))
				if _, err := v.Verify(model, signature); err == nil {
					t.Error("a changed model verifies")
				}
			})
		})
	}
}
