package main

import (
	"log/slog"

	"github.com/modelsigning/modelsigning/signing"
	"github.com/spf13/cobra"
)

func newSignPKCS11Certificate(log *slog.Logger, flags signAction) *cobra.Command {
	var tsa signing.TimestampAuthority
	var cert signing.PKCS11Certificate
	c := &cobra.Command{
		Use:   "pkcs11-certificate MODEL",
		Short: "Sign with an elliptic-curve key on a PKCS #11 token, and its certificate",
		Args:  oneModelOrManifest,
		RunE: func(c *cobra.Command, args []string) error {
			if cert.URI == "" {
				return errNoPKCS11URI
			}
			return flags.sign(c, modelOf(args), log, signing.Config().UsePKCS11CertificateSigner(cert).SetTimestampAuthority(tsa))
		},
	}
	flags.add(c)
	addTimestampAuthority(c, &tsa)
	addPKCS11(c, &cert.URI, &cert.ModulePaths)
	c.Flags().StringVar(&cert.SigningCertificate, "signing-certificate", "", "the key's certificate is the first in this `FILE` (default: the one on the token)")
	c.Flags().Var((*repeated)(&cert.CertificateChain), "certificate-chain", "put the authorities' certificates in this `FILE` into the signature, too (repeatable)")
	return c
}
