package main

import (
	"errors"
	"log/slog"

	"github.com/modelsigning/modelsigning/verifying"
	"github.com/spf13/cobra"
)

func newVerifyCertificate(log *slog.Logger, flags verifyAction) *cobra.Command {
	var cert verifying.Certificate
	c := &cobra.Command{
		Use:   "certificate MODEL",
		Short: "Verify with certificates",
		Args:  oneModelOrManifest,
		RunE: func(c *cobra.Command, args []string) error {
			if len(cert.CertificateChain) == 0 && cert.Expected == (verifying.ExpectedIdentity{}) {
				return usageError{errors.New("--certificate-chain is missing: the operating system's roots vouch for everybody, so without it an --expected flag must say whose signature it is")}
			}
			return flags.verify(c, modelOf(args), log, verifying.Config().SetLogger(log).UseCertificateVerifier(cert))
		},
	}
	flags.add(c)
	c.Flags().Var((*repeated)(&cert.CertificateChain), "certificate-chain", "trust the self-signed certificates in this `FILE` (repeatable; default: the operating system's)")
	c.Flags().BoolVar(&cert.TrustIntermediates, "trust-intermediates", false, "trust all certificates of --certificate-chain, not only the self-signed ones")
	c.Flags().BoolVar(&cert.LogFingerprints, "log-fingerprints", false, "log the fingerprints of all certificates")
	c.Flags().Var((*repeated)(&cert.RevocationLists), "crl", "refuse what the revocation lists in this `FILE` revoke (repeatable)")
	c.Flags().BoolVar(&cert.InsecureAllowExpired, "insecure-allow-expired", false, "accept expired certificates though nothing proves when they were used")
	addTrustedTimestamps(c, &cert.TSACertificateChain)
	addExpected(c, &cert.Expected)
	return c
}

func addExpected(c *cobra.Command, e *verifying.ExpectedIdentity) {
	for _, f := range []struct {
		name, what     string
		exact, pattern *string
	}{
		{"subject", "distinguished name (RFC 2253)", &e.Subject, &e.SubjectRegexp},
		{"email", "alternative name of type email", &e.Email, &e.EmailRegexp},
		{"uri", "alternative name of type URI", &e.URI, &e.URIRegexp},
		{"dns", "alternative name of type DNS", &e.DNS, &e.DNSRegexp},
	} {
		c.Flags().StringVar(f.exact, "expected-"+f.name, "", "the signer's certificate must have this `NAME`: "+f.what)
		c.Flags().StringVar(f.pattern, "expected-"+f.name+"-regexp", "", "the whole "+f.what+" must match this `REGEXP`")
	}
	c.Flags().StringVar(&e.Fingerprint, "expected-fingerprint", "", "the signer's certificate must have this `SHA-256` in hexadecimal")
}
