package main

import (
	"errors"
	"log/slog"

	"github.com/modelsigning/modelsigning/signing"
	"github.com/spf13/cobra"
)

func newSignCertificate(log *slog.Logger, flags signAction) *cobra.Command {
	var cert signing.Certificate
	var secret password
	var tsa signing.TimestampAuthority
	c := &cobra.Command{
		Use:   "certificate MODEL",
		Short: "Sign with a private key and its certificate",
		Args:  oneModelOrManifest,
		RunE: func(c *cobra.Command, args []string) (err error) {
			switch {
			case cert.PrivateKey == "":
				return usageError{errors.New("--private-key is missing")}
			case cert.SigningCertificate == "":
				return usageError{errors.New("--signing-certificate is missing")}
			}
			if cert.Password, err = secret.read(c, log); err != nil {
				return err
			}
			return flags.sign(c, modelOf(args), log, signing.Config().UseCertificateSigner(cert).SetTimestampAuthority(tsa))
		},
	}
	flags.add(c)
	c.Flags().StringVar(&cert.PrivateKey, "private-key", "", "sign with the private key in this PEM `FILE`")
	secret.add(c)
	c.Flags().StringVar(&cert.SigningCertificate, "signing-certificate", "", "the key's certificate is the first in this `FILE`")
	c.Flags().Var((*repeated)(&cert.CertificateChain), "certificate-chain", "put the authorities' certificates in this `FILE` into the signature, too (repeatable)")
	addTimestampAuthority(c, &tsa)
	return c
}
