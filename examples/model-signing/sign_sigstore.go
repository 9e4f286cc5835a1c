package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/modelsigning/modelsigning/signing"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newSignSigstore(log *slog.Logger, flags signAction) *cobra.Command {
	var o signing.Sigstore
	c := &cobra.Command{
		Use:   "sigstore MODEL",
		Short: "Sign with Sigstore, as whoever logs in or as this machine",
		Args:  oneModelOrManifest,
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkSigstoreFlags(c.Flags()); err != nil {
				return err
			}
			o.Output, o.Input = c.ErrOrStderr(), c.InOrStdin()
			o.TUFCache, o.Proxy = tufCache(), http.ProxyFromEnvironment
			return flags.sign(c, modelOf(args), log, signing.Config().UseSigstoreSigner(o))
		},
	}
	flags.add(c)
	f := c.Flags()
	f.StringVar(&o.IdentityToken, "identity-token", "", "sign as the identity of this `TOKEN`")
	f.BoolVar(&o.UseAmbientCredentials, "use-ambient-credentials", false, "sign as the identity of this machine or CI job")
	f.BoolVar(&o.ForceOOB, "oauth-force-oob", false, "log in with a browser elsewhere, and copy a code from there")
	f.BoolVar(&o.UseDeviceFlow, "oauth-device-flow", false, "log in with a browser elsewhere, and enter a code there")
	f.StringVar(&o.OIDCIssuer, "identity-provider", "", "`URL` of the OpenID provider to log in with")
	f.StringVar(&o.ClientID, "client-id", "", "log in as this OpenID `CLIENT`")
	f.StringVar(&o.ClientSecret, "client-secret", "", "`SECRET` of that client")
	f.StringVar(&o.TrustConfig, "trust-config", "", "use the private instance that this JSON `FILE` describes")
	f.BoolVar(&o.UseStaging, "use-staging", false, "use Sigstore's public instance for tests")
	return c
}

func checkSigstoreFlags(f *pflag.FlagSet) error {
	if err := exclusive(f, "trust-config", "use-staging"); err != nil {
		return err
	}
	if err := exclusive(f, "identity-token", "use-ambient-credentials", "oauth-force-oob", "oauth-device-flow"); err != nil {
		return err
	}
	// As when CI sets it from a variable that is not there: a person would be asked who is not.
	if token := f.Lookup("identity-token"); token.Changed && token.Value.String() == "" {
		return usageError{errors.New("--identity-token is empty")}
	}
	return nil
}

// exclusive refuses two of the flags together.
func exclusive(f *pflag.FlagSet, names ...string) error {
	first := ""
	for _, name := range names {
		switch {
		case !f.Changed(name):
		case first == "":
			first = name
		default:
			return usageError{fmt.Errorf("--%s and --%s exclude each other", first, name)}
		}
	}
	return nil
}
