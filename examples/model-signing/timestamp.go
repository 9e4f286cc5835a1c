package main

import (
	"errors"
	"net/http"

	"github.com/modelsigning/modelsigning/signing"
	"github.com/spf13/cobra"
)

// addTimestampAuthority adds the flags of methods whose signatures can be stamped.
func addTimestampAuthority(c *cobra.Command, tsa *signing.TimestampAuthority) {
	tsa.Client = http.DefaultClient // with the proxy of the environment, which the library does not read
	c.Flags().StringVar(&tsa.URL, "tsa-url", "", "have the signature stamped by the timestamp authority at this `URL` (RFC 3161)")
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		switch {
		case tsa.URL == "" && c.Flags().Changed("tsa-url"): // the signature would not be stamped, without a word
			return usageError{errors.New("--tsa-url is empty")}
		case tsa.URL == "" && len(tsa.CertificateChain) > 0:
			return usageError{errors.New("--tsa-certificate-chain needs --tsa-url")}
		}
		return nil
	}
	c.Flags().Var((*repeated)(&tsa.CertificateChain), "tsa-certificate-chain", "verify the timestamp with the authority's certificates in this `FILE` (repeatable)")
}

// addTrustedTimestamps adds the flag of methods that verify timestamps.
func addTrustedTimestamps(c *cobra.Command, files *[]string) {
	c.Flags().Var((*repeated)(files), "tsa-certificate-chain", "trust the timestamp authority whose certificates are in this `FILE` (repeatable)")
}
