package main

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/modelsigning/modelsigning/verifying"
	"github.com/spf13/cobra"
)

// An identityChooser is a verifyAction whose flags say whose signature is accepted, where those of Sigstore don't.
type identityChooser interface {
	chooseIdentity(o verifying.Sigstore, id *verifying.SigstoreIdentity) error
}

func newVerifySigstore(log *slog.Logger, flags verifyAction) *cobra.Command {
	var o verifying.Sigstore
	var id verifying.SigstoreIdentity
	c := &cobra.Command{
		Use:   "sigstore MODEL",
		Short: "Verify that an identity signed with Sigstore",
		Args:  oneModelOrManifest,
		RunE: func(c *cobra.Command, args []string) error {
			for _, pair := range [][]string{
				{"trust-config", "use-staging"}, {"identity", "identity-regexp"}, {"identity-provider", "identity-provider-regexp"},
			} {
				if err := exclusive(c.Flags(), pair...); err != nil {
					return err
				}
			}
			o.TUFCache, o.Proxy = tufCache(), http.ProxyFromEnvironment
			if a, ok := flags.(identityChooser); ok {
				if err := a.chooseIdentity(o, &id); err != nil {
					return err
				}
			}
			switch {
			case id.Subject == "" && id.SubjectRegexp == "":
				return usageError{errors.New("--identity is missing: Sigstore certifies everybody")}
			case id.Issuer == "" && id.IssuerRegexp == "":
				return usageError{errors.New("--identity-provider is missing: anybody could vouch for that identity")}
			}
			o.Identities = []verifying.SigstoreIdentity{id}
			return flags.verify(c, modelOf(args), log, verifying.Config().UseSigstoreVerifier(o))
		},
	}
	flags.add(c)
	f := c.Flags()
	f.StringVar(&id.Subject, "identity", "", "`WHO` must have signed: an email address, or the URI of a workload")
	f.StringVar(&id.SubjectRegexp, "identity-regexp", "", "`EXPRESSION` that must match all of the identity")
	f.StringVar(&id.Issuer, "identity-provider", "", "`URL` of the OpenID provider that must have vouched for it")
	f.StringVar(&id.IssuerRegexp, "identity-provider-regexp", "", "`EXPRESSION` that must match all of that URL")
	f.StringVar(&o.TrustConfig, "trust-config", "", "trust what this JSON `FILE` describes, without network access")
	f.BoolVar(&o.UseStaging, "use-staging", false, "trust Sigstore's public instance for tests")
	return c
}
