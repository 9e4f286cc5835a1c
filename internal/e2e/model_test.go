//go:build unix

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/e2e"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// newModel makes a model and returns its path, and one beside it for its signature.
func newModel(t testing.TB) (model, signature string) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "finbert/config.json"), []byte("{}"))
	write(t, filepath.Join(dir, "finbert/weights/model.safetensors"), bytes.Repeat([]byte("weights "), 1000))
	return filepath.Join(dir, "finbert"), filepath.Join(dir, "finbert.sig")
}

func verifyPerson(stack *e2e.Stack) verifying.Sigstore {
	return verifying.Sigstore{
		Identity: "person@example.com", OIDCIssuer: stack.Issuer, TrustConfigJSON: stack.TrustedRootJSON,
	}
}

func verifyWorkflow(stack *e2e.Stack) verifying.Sigstore {
	return verifying.Sigstore{
		Identity: e2e.WorkflowIdentity, OIDCIssuer: stack.ActionsIssuer, TrustConfigJSON: stack.TrustedRootJSON,
	}
}

// Every way to an identity signs a model that then verifies as that identity's.
func TestWaysToSign(t *testing.T) {
	stack := e2e.Start(t, e2e.Options{})
	t.Setenv("ACTIONS_ID_TOKEN_REQUEST_URL", stack.MintURL)
	t.Setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", stack.MintToken)
	config := write(t, filepath.Join(t.TempDir(), "trust.json"), stack.TrustConfigJSON)
	browser := func(ctx context.Context, url string) error {
		_, err := e2e.Visit(ctx, url)
		return err
	}
	for name, test := range map[string]struct {
		sign    signing.Sigstore
		pattern string // what a person finds in the output
		verify  verifying.Sigstore
	}{
		"token":   {signing.Sigstore{IdentityToken: stack.Token(e2e.Claims{})}, `$^`, verifyPerson(stack)},
		"source":  {signing.Sigstore{TokenSource: func(context.Context) (string, error) { return stack.Token(e2e.Claims{}), nil }}, `$^`, verifyPerson(stack)},
		"ambient": {signing.Sigstore{UseAmbientCredentials: true}, `$^`, verifyWorkflow(stack)},
		"browser": {signing.Sigstore{OpenBrowser: browser}, `$^`, verifyPerson(stack)},
		"issuer":  {signing.Sigstore{OpenBrowser: browser, OIDCIssuer: stack.Issuer, ClientID: "sigstore"}, `$^`, verifyPerson(stack)},
		"code":    {signing.Sigstore{ForceOOB: true}, `(?s)\t(http\S+)\n.*code: $`, verifyPerson(stack)},
		"device":  {signing.Sigstore{UseDeviceFlow: true}, `\t(http\S+user_code=\S+)\n`, verifyPerson(stack)},
	} {
		t.Run(name, func(t *testing.T) {
			keyboard, keys := io.Pipe()
			test.sign.TrustConfig, test.sign.Input = config, keyboard
			test.sign.Output = &person{t: t, pattern: regexp.MustCompile(test.pattern), keys: keys}
			model, signature := newModel(t)
			if err := signing.Config().UseSigstoreSigner(test.sign).SignContext(t.Context(), model, signature); err != nil {
				t.Fatal(err)
			}
			result, err := verifying.Config().UseSigstoreVerifier(test.verify).VerifyContext(t.Context(), model, signature)
			if err != nil {
				t.Fatal(err)
			}
			if got := result.Signer; got.Method != bundle.Sigstore || got.Subject != test.verify.Identity ||
				got.Issuer != test.verify.OIDCIssuer || got.PublicKey == nil || len(got.Certificates) != 2 ||
				time.Since(got.Time) > time.Minute || got.TimeSource != "timestamp authority "+stack.TSAURL {
				t.Errorf("signer %+v", got)
			}
			if len(result.Manifest.Resources) != 2 {
				t.Errorf("%d resources", len(result.Manifest.Resources))
			}
		})
	}
}

// What a verifier must find out, each with its error.
func TestRefusedModels(t *testing.T) {
	for name, options := range bothRekors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack, strangers := e2e.Start(t, options), e2e.Start(t, options)
			sign := func(stack *e2e.Stack) (model, signature string) {
				t.Helper()
				model, signature = newModel(t)
				err := signing.Config().UseSigstoreSigner(signing.Sigstore{
					IdentityToken: stack.Token(e2e.Claims{}), TrustConfigJSON: stack.TrustConfigJSON,
				}).Sign(model, signature)
				if err != nil {
					t.Fatal(err)
				}
				return model, signature
			}
			model, signature := sign(stack)
			_, otherSignature := sign(stack)
			_, theirSignature := sign(strangers)
			verify := func(signature string, change func(*verifying.Sigstore)) error {
				o := verifyPerson(stack)
				change(&o)
				_, err := verifying.Config().UseSigstoreVerifier(o).Verify(model, signature)
				return err
			}
			check := func(what string, err, want error) {
				t.Helper()
				if !errors.Is(err, want) {
					t.Errorf("%s: got error %v, want %v", what, err, want)
				}
			}

			for name, change := range map[string]func(*verifying.Sigstore){
				"wrong identity": func(o *verifying.Sigstore) { o.Identity = "person@example.org" },
				"wrong issuer":   func(o *verifying.Sigstore) { o.OIDCIssuer = stack.ActionsIssuer },
				"expression of a part": func(o *verifying.Sigstore) {
					o.Identity, o.OIDCIssuer = "", ""
					o.Identities = []verifying.SigstoreIdentity{{SubjectRegexp: "person@example", Issuer: stack.Issuer}}
				},
				"extension": func(o *verifying.Sigstore) {
					o.Identity, o.OIDCIssuer = "", ""
					o.Identities = []verifying.SigstoreIdentity{{
						Subject: "person@example.com", Issuer: stack.Issuer,
						Extensions: verifying.SigstoreExtensions{SourceRepositoryURI: "https://github.com/example/model"},
					}}
				},
			} {
				check(name, verify(signature, change), verifying.ErrIdentity)
			}
			check("good", verify(signature, func(*verifying.Sigstore) {}), nil)
			check("good for one of two", verify(signature, func(o *verifying.Sigstore) {
				o.Identities = []verifying.SigstoreIdentity{{SubjectRegexp: ".*@example.com", IssuerRegexp: "http://127.*"}}
				o.Identity = "somebody@example.com"
			}), nil)
			check("any signer", verify(signature, func(o *verifying.Sigstore) {
				o.Identity, o.OIDCIssuer, o.UnsafeAcceptAnySigner = "", "", true
			}), nil)
			check("of another instance", verify(theirSignature, func(*verifying.Sigstore) {}), verifying.ErrLog)
			check("another trusted root", verify(signature, func(o *verifying.Sigstore) { o.TrustConfigJSON = strangers.TrustedRootJSON }), verifying.ErrLog)

			for name, test := range map[string]struct {
				change func(material, envelope, other map[string]any)
				want   error
			}{
				"payload":     {func(_, e, other map[string]any) { e["payload"] = other["payload"] }, verifying.ErrSignature},
				"certificate": {func(m, _, other map[string]any) { m["certificate"] = other["certificate"] }, verifying.ErrSignature},
				"no entry":    {func(m, _, _ map[string]any) { m["tlogEntries"] = []any{} }, bundle.ErrMalformed},
				"other entry": {func(m, _, other map[string]any) { m["tlogEntries"] = other["tlogEntries"] }, verifying.ErrLog},
				"no time": {func(m, _, _ map[string]any) {
					delete(m, "timestampVerificationData")
					delete(m["tlogEntries"].([]any)[0].(map[string]any), "inclusionPromise")
				}, verifying.ErrTimestamp},
			} {
				name := filepath.Join(t.TempDir(), name+".sig")
				mutate(t, signature, otherSignature, name, test.change)
				check(name, verify(name, func(*verifying.Sigstore) {}), test.want)
			}

			write(t, filepath.Join(model, "config.json"), []byte("[]"))
			mismatch := new(verifying.MismatchError)
			if err := verify(signature, func(*verifying.Sigstore) {}); !errors.As(err, &mismatch) || len(mismatch.Changed) != 1 {
				t.Errorf("a changed model: %v", err)
			}
		})
	}
}

// mutate writes a changed copy of a signature. Other holds the members of the other signature's material and
// envelope, whose payload has another name for the model.
func mutate(t *testing.T, from, otherFrom, to string, change func(material, envelope, other map[string]any)) {
	t.Helper()
	parse := func(name string) map[string]any {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var b map[string]any
		if err := json.Unmarshal(data, &b); err != nil {
			t.Fatal(err)
		}
		return b
	}
	b, other := parse(from), parse(otherFrom)
	members := other["verificationMaterial"].(map[string]any)
	payload, err := bundle.ReadFile(otherFrom)
	if err != nil {
		t.Fatal(err)
	}
	members["payload"] = bytes.Replace(payload.UnverifiedStatement(), []byte("finbert"), []byte("FinBert"), 1)
	change(b["verificationMaterial"].(map[string]any), b["dsseEnvelope"].(map[string]any), members)
	data, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, data)
}

// A token that is not accepted, or a server that is away, leaves no signature behind.
func TestNoSignature(t *testing.T) {
	stack := e2e.Start(t, e2e.Options{})
	sign := func(ctx context.Context, token string) error {
		t.Helper()
		model, signature := newModel(t)
		err := signing.Config().UseSigstoreSigner(signing.Sigstore{
			IdentityToken: token, TrustConfigJSON: stack.TrustConfigJSON,
		}).SignContext(ctx, model, signature)
		if _, statErr := os.Stat(signature); !errors.Is(statErr, os.ErrNotExist) {
			t.Errorf("the signature: %v", statErr)
		}
		return err
	}
	for name, claims := range map[string]e2e.Claims{
		"expired": {Lifetime: -time.Hour}, "wrong audience": {Audience: "somebody"},
	} {
		if err := sign(t.Context(), stack.Token(claims)); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
	stack.Rekor.Suspend()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := sign(ctx, stack.Token(e2e.Claims{})); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Rekor hangs: %v", err)
	}
	stack.Rekor.Stop()
	if err := sign(t.Context(), stack.Token(e2e.Claims{})); err == nil {
		t.Error("Rekor is down: signed")
	}
}
