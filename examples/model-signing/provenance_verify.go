package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/verifying"
	"github.com/spf13/cobra"
)

// checkFlags are the flags of provenance verify.
type checkFlags struct {
	hashFlags
	attestation, signature                 string
	modelKey, modelIdentity, modelProvider string
	policy                                 verifying.ProvenancePolicy
	inputs                                 []string
	ignoreUnsigned                         bool
	modelVerifier                          *verifying.Configuration // nil: the provenance's, and its signer
}

func (f *checkFlags) add(c *cobra.Command) {
	f.addCommon(c)
	flags := c.Flags()
	flags.StringVar(&f.attestation, "provenance", "", "the provenance's `FILE`: a bundle, or several as JSON lines")
	flags.StringVar(&f.policy.BuilderID, "builder-id", "", "`URI` of what must have built it; without @, any of its tags")
	flags.StringVar(&f.policy.SourceURI, "source-uri", "", "`URL` of the repository that it must have been built from")
	flags.StringVar(&f.policy.Branch, "branch", "", "`NAME` of the branch")
	flags.StringVar(&f.policy.Tag, "tag", "", "`NAME` of the tag")
	flags.StringVar(&f.policy.Commit, "commit", "", "`HASH` of the commit")
	flags.StringVar(&f.policy.EntryPoint, "entry-point", "", "`PATH` in the repository of the workflow that must have run")
	flags.Var((*repeated)(&f.inputs), "input", "the build must have been given this input, `NAME=VALUE` (repeatable)")
	flags.BoolVar(&f.policy.Partial, "partial", false, "accept that files that the provenance lists are missing")
	flags.BoolVar(&f.policy.IgnoreNames, "ignore-names", false, "accept a single file by its content, whatever its name")
	flags.BoolVar(&f.policy.AcceptAsserted, "accept-asserted", false, "accept what a certificate of Sigstore does not prove on the word of its owner")
	flags.BoolVar(&f.ignoreUnsigned, "ignore-unsigned-files", false, "accept files that the provenance does not list")
	flags.StringVar(&f.signature, "model-signature", "", "verify the model's signature in this `FILE`, too, and that both are about the same files")
	flags.StringVar(&f.modelKey, "model-public-key", "", "the model's signature must be by the key in this `FILE` (default: by the provenance's signer)")
	flags.StringVar(&f.modelIdentity, "model-identity", "", "`WHO` must have signed the model with Sigstore")
	flags.StringVar(&f.modelProvider, "model-identity-provider", "", "`URL` of the OpenID provider that must have vouched for them (default: the provenance's)")
}

// The OpenID providers of those who run builds for everybody.
var providers = map[string]string{
	"https://github.com/": "https://token.actions.githubusercontent.com",
	"https://gitlab.com/": "https://gitlab.com",
}

// chooseIdentity accepts every workflow of a provider, since the policy says which, and keeps how to verify the model's
// signature if that is by somebody else.
func (f *checkFlags) chooseIdentity(o verifying.Sigstore, id *verifying.SigstoreIdentity) error {
	named := id.Subject != "" || id.SubjectRegexp != ""
	switch {
	case f.policy.BuilderID == "" && f.policy.SourceURI == "":
		return usageError{errors.New("neither --builder-id nor --source-uri is given: anybody could have built anything")}
	case f.policy.AcceptAsserted && !named:
		return usageError{errors.New("--accept-asserted needs --identity: whose word is accepted?")}
	case !named:
		id.SubjectRegexp = ".*"
	}
	for prefix, provider := range providers {
		place := f.policy.BuilderID
		if place == "" {
			place = "https://" + strings.TrimPrefix(strings.TrimPrefix(f.policy.SourceURI, "git+"), "https://")
		}
		if id.Issuer == "" && id.IssuerRegexp == "" && strings.HasPrefix(place, prefix) {
			id.Issuer = provider
		}
	}
	if f.modelIdentity == "" {
		return nil
	}
	other := verifying.SigstoreIdentity{Subject: f.modelIdentity, Issuer: f.modelProvider}
	if other.Issuer == "" {
		other.Issuer, other.IssuerRegexp = id.Issuer, id.IssuerRegexp
	}
	o.Identities = []verifying.SigstoreIdentity{other}
	c := verifying.Config().UseSigstoreVerifier(o)
	f.modelVerifier = &c
	return nil
}

// verify verifies how the model was built with the verifier that c has.
func (f *checkFlags) verify(cmd *cobra.Command, model string, log *slog.Logger, c verifying.Configuration) error {
	if err := notEmpty(cmd, "builder-id", "source-uri", "branch", "tag", "commit", "entry-point",
		"model-signature", "model-public-key", "model-identity", "model-identity-provider"); err != nil {
		return err
	}
	if err := f.check(model); err != nil {
		return err
	}
	if err := c.Err(); err != nil {
		return usageUnlessUnread(err)
	}
	h, err := f.hashing(cmd, model, log)
	if err != nil {
		return err
	}
	defer f.cache.save(log)
	if f.policy.Inputs, err = pairs("input", f.inputs); err != nil {
		return err
	}
	c = c.SetHashingConfig(h).SetIgnoreUnsignedFiles(f.ignoreUnsigned)
	p, err := c.VerifyProvenance(cmd.Context(), model, f.attestation, f.policy)
	if err != nil {
		return err
	}
	var joined *verifying.Result
	if f.signature != "" {
		if joined, err = f.join(cmd, model, c, p); err != nil {
			return err
		}
	}
	return report(cmd, "provenance", newProvenanceResult(model, f.attestation, p, joined, f.signature), func(w io.Writer) {
		warn(cmd.ErrOrStderr(), "ignored", p.Ignored)
		warn(cmd.ErrOrStderr(), "not listed", p.Unsigned)
		warn(cmd.ErrOrStderr(), "missing", p.Absent)
		warn(cmd.ErrOrStderr(), "not pulled", p.Unread)
		printProvenance(w, p, joined)
	})
}

// notEmpty refuses expectations that are given and empty, as a variable that is not set makes them: they would count as
// not given.
func notEmpty(cmd *cobra.Command, flags ...string) error {
	for _, name := range flags {
		if f := cmd.Flag(name); f.Changed && f.Value.String() == "" {
			return usageError{fmt.Errorf("--%s is empty", name)}
		}
	}
	return nil
}

func (f *checkFlags) check(model string) error {
	switch {
	case f.attestation == "":
		return usageError{errors.New("--provenance is missing")}
	case f.policy.BuilderID == "" && f.policy.SourceURI == "":
		return usageError{errors.New("--builder-id is missing")}
	case f.policy.Branch != "" && f.policy.Tag != "":
		return usageError{errors.New("--branch and --tag exclude each other")}
	case f.signature == "" && f.modelKey+f.modelIdentity+f.modelProvider != "":
		return usageError{errors.New("--model-signature is missing")}
	case f.modelKey != "" && f.modelIdentity != "":
		return usageError{errors.New("--model-public-key and --model-identity exclude each other")}
	case f.modelProvider != "" && f.modelIdentity == "":
		return usageError{errors.New("--model-identity is missing")}
	case f.modelIdentity != "" && f.modelVerifier == nil: // nobody has chosen one: the method is not Sigstore
		return usageError{errors.New("--model-identity is only for provenance that is verified with Sigstore, whose trust it shares")}
	}
	if info, err := os.Stat(model); f.policy.IgnoreNames && err == nil && info.IsDir() {
		return usageError{errors.New("--ignore-names is for a MODEL that is a file: contents alone say nothing about a directory")}
	}
	return nil
}

// hashing leaves out both the signature and the provenance, whichever of them is verified.
func (f *checkFlags) hashing(cmd *cobra.Command, model string, log *slog.Logger) (hashing.Configuration, error) {
	h, err := f.config(cmd, model, log)
	if err != nil || f.signature == "" {
		return h, err
	}
	if h, err = leaveOut(h, model, f.signature); err != nil {
		return h, err
	}
	return leaveOut(h, model, f.attestation)
}

// join verifies the model's signature, and that it is about what the provenance is about.
func (f *checkFlags) join(cmd *cobra.Command, model string, c verifying.Configuration, p *verifying.Provenance) (*verifying.Result, error) {
	other := f.modelVerifier
	if f.modelKey != "" {
		byKey := verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: f.modelKey})
		other = &byKey
	}
	if other != nil {
		if err := other.Err(); err != nil {
			return nil, usageUnlessUnread(err)
		}
		c = c.UseAny(*other)
	}
	r, err := c.VerifyContext(cmd.Context(), model, f.signature)
	if err != nil {
		return nil, err
	}
	if s := r.Signer; other == nil && (s.Method != p.Signer.Method || s.Subject != p.Signer.Subject || s.Issuer != p.Signer.Issuer) {
		return nil, fmt.Errorf("%w: the model's signature is by %q, and its provenance by %q; --model-identity or --model-public-key says whose is expected",
			verifying.ErrIdentity, s.Subject, p.Signer.Subject)
	}
	return r, p.Agrees(r)
}
