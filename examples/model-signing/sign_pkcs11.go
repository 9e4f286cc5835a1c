package main

import (
	"errors"
	"log/slog"

	"github.com/modelsigning/modelsigning/signing"
	"github.com/spf13/cobra"
)

func newSignPKCS11Key(log *slog.Logger, flags signAction) *cobra.Command {
	var tsa signing.TimestampAuthority
	var key signing.PKCS11
	c := &cobra.Command{
		Use:   "pkcs11-key MODEL",
		Short: "Sign with an elliptic-curve key on a PKCS #11 token",
		Args:  oneModelOrManifest,
		RunE: func(c *cobra.Command, args []string) error {
			if key.URI == "" {
				return errNoPKCS11URI
			}
			return flags.sign(c, modelOf(args), log, signing.Config().UsePKCS11Signer(key).SetTimestampAuthority(tsa))
		},
	}
	flags.add(c)
	addTimestampAuthority(c, &tsa)
	addPKCS11(c, &key.URI, &key.ModulePaths)
	return c
}

var errNoPKCS11URI = usageError{errors.New("--pkcs11-uri is missing")}

func addPKCS11(c *cobra.Command, uri *string, modulePaths *[]string) {
	c.Flags().StringVar(uri, "pkcs11-uri", "", "sign with the key that this `URI` names (RFC 7512)")
	c.Flags().Var((*repeated)(modulePaths), "module-path", "look for the URI's module-name in this `DIRECTORY`, too (repeatable)")
}
