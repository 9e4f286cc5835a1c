package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/modelsigning/modelsigning/verifying"
	"github.com/spf13/cobra"
)

// newVerifyAny verifies with any of several keys, certificates and identities.
func newVerifyAny(log *slog.Logger, flags verifyAction) *cobra.Command {
	var keys, identities []string
	var cert verifying.Certificate
	var store verifying.Sigstore
	c := &cobra.Command{
		Use:   "any MODEL",
		Short: "Verify with any of several keys, certificates and identities",
		Args:  oneModelOrManifest,
		RunE: func(c *cobra.Command, args []string) error {
			if err := exclusive(c.Flags(), "trust-config", "use-staging"); err != nil {
				return err
			}
			all := keyVerifiers(keys, cert.TSACertificateChain)
			if len(cert.CertificateChain) > 0 {
				all = append(all, verifying.Config().UseCertificateVerifier(cert))
			} else if cert.Expected != (verifying.ExpectedIdentity{}) {
				return usageError{errors.New("--certificate-chain is missing: who may vouch for the names that are expected?")}
			}
			if len(identities) > 0 {
				store.TUFCache, store.Proxy = tufCache(), http.ProxyFromEnvironment
				all = append(all, verifying.Config().UseSigstoreVerifier(accepting(store, identities)))
			} else if store.OIDCIssuer != "" || store.TrustConfig != "" || store.UseStaging {
				return usageError{errors.New("--identity is missing: whose signature is Sigstore to certify?")}
			}
			if len(all) == 0 {
				return usageError{errors.New("none of --public-key, --certificate-chain and --identity is given")}
			}
			return flags.verify(c, modelOf(args), log, anyOf(all).SetLogger(log))
		},
	}
	flags.add(c)
	f := c.Flags()
	f.Var((*repeated)(&keys), "public-key", "accept the public key in this PEM `FILE` (repeatable)")
	f.Var((*repeated)(&cert.CertificateChain), "certificate-chain", "accept what the self-signed certificates in this `FILE` vouch for (repeatable)")
	addExpected(c, &cert.Expected)
	addTrustedTimestamps(c, &cert.TSACertificateChain)
	f.Var((*repeated)(&identities), "identity", "accept what Sigstore certifies for `WHO` (repeatable)")
	f.StringVar(&store.OIDCIssuer, "identity-provider", "", "`URL` of the OpenID provider that must have vouched for identities")
	f.StringVar(&store.TrustConfig, "trust-config", "", "of Sigstore, trust what this JSON `FILE` describes, without network access")
	f.BoolVar(&store.UseStaging, "use-staging", false, "of Sigstore, trust the public instance for tests")
	return c
}

// accepting has Sigstore accept each of the identities, for whom one provider vouches.
func accepting(o verifying.Sigstore, identities []string) verifying.Sigstore {
	for _, who := range identities {
		o.Identities = append(o.Identities, verifying.SigstoreIdentity{Subject: who, Issuer: o.OIDCIssuer})
	}
	o.OIDCIssuer = ""
	return o
}

func keyVerifiers(keys, timestamps []string) (all []verifying.Configuration) {
	for _, k := range keys {
		all = append(all, verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: k, TSACertificateChain: timestamps}))
	}
	return all
}

// anyOf is UseAny, whose errors are about several alternatives, where there are several.
func anyOf(all []verifying.Configuration) verifying.Configuration {
	if len(all) == 1 {
		return all[0]
	}
	return verifying.Config().UseAny(all...)
}

// addPolicy adds the flags for several signatures, and for a copy.
func (f *verifyFlags) addPolicy(c *cobra.Command) {
	c.Flags().IntVar(&f.threshold, "threshold", 0, "accept the model if `N` different signers have made the signatures")
	c.Flags().StringVar(&f.copyTo, "copy-to", "", "copy what is verified to this new `DIRECTORY`, in the same pass")
}

// check sees that the flags fit each other.
func (f *verifyFlags) check(c *cobra.Command) error {
	switch {
	case len(f.signatures) == 0:
		return usageError{errors.New("--signature is missing")}
	case len(f.signatures) > 1 && !c.Flags().Changed("threshold"):
		return usageError{errors.New("--signature is given more than once: say with --threshold how many signers are needed")}
	case c.Flags().Changed("threshold") && (f.threshold < 1 || f.threshold > len(f.signatures)):
		return usageError{fmt.Errorf("--threshold: %d signers are needed, and there are %d signatures", f.threshold, len(f.signatures))}
	case c.Flags().Changed("copy-to") && f.copyTo == "":
		return usageError{errors.New("--copy-to is empty")}
	}
	if err := errors.Join(exclusive(c.Flags(), "threshold", "only"), checkDigests(c)); err != nil {
		return err
	}
	return exclusive(c.Flags(), "threshold", "copy-to", "digests")
}

// verifyFiles verifies the model, and copies it if that is asked for.
func (f *verifyFlags) verifyFiles(ctx context.Context, model string, c verifying.Configuration) (*verifying.Result, error) {
	if f.copyTo != "" {
		return c.CopyContext(ctx, model, f.signatures[0], f.copyTo)
	}
	return c.VerifyContext(ctx, model, f.signatures[0])
}

// verifyThreshold verifies that enough different signers have signed the model.
func (f *verifyFlags) verifyThreshold(cmd *cobra.Command, model string, c verifying.Configuration) error {
	r, err := c.VerifyThreshold(cmd.Context(), model, f.threshold, f.signatures...)
	if err != nil {
		return err
	}
	v := approved{model, f.threshold, r.Signers, nil, list(r.Ignored), list(r.Unsigned), r.Unread}
	for _, s := range r.Signatures {
		a := approval{Signature: s.Name}
		if s.Err != nil {
			failed := newFailure(s.Err)
			a.Error = &failed
		} else {
			signer := newSigner(s.Result.Signer)
			a.Signer = &signer
		}
		v.Signatures = append(v.Signatures, a)
	}
	return report(cmd, "approved", v, func(w io.Writer) {
		warn(cmd.ErrOrStderr(), "ignored", r.Ignored)
		warn(cmd.ErrOrStderr(), "not signed", r.Unsigned)
		warn(cmd.ErrOrStderr(), "not pulled", r.Unread)
		for _, a := range v.Signatures {
			if a.Error != nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "refused: %s: %s\n", printable(a.Signature), printable(a.Error.Message))
			} else {
				fmt.Fprintf(w, "%s: signed by %s %s\n", printable(a.Signature), a.Signer.Method, printable(a.Signer.Subject))
			}
		}
		fmt.Fprintf(w, "Verification succeeded: %d different signers, %d needed\n", v.Signers, v.Threshold)
	})
}
