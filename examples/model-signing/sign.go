package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/modelsigning/modelsigning/signing"
	"github.com/spf13/cobra"
)

func newSign(log *slog.Logger) *cobra.Command {
	return signGroup("sign", "Sign a model", log, func() signAction { return new(signFlags) })
}

// A signAction is what is done with a signer, and the flags that it has besides the signer's.
type signAction interface {
	add(c *cobra.Command)
	sign(cmd *cobra.Command, model string, log *slog.Logger, c signing.Configuration) error
}

// signGroup is a command that does something with each of the signers.
func signGroup(use, short string, log *slog.Logger, action func() signAction) *cobra.Command {
	return group(use, short, func() *cobra.Command { return newSignSigstore(log, action()) },
		newSignKey(log, action()), newSignCertificate(log, action()),
		newSignPKCS11Key(log, action()), newSignPKCS11Certificate(log, action()))
}

// signFlags are the flags of every method to sign.
type signFlags struct {
	hashFlags
	signature string
	digests   string
	manifest  withManifest
}

func (f *signFlags) add(c *cobra.Command) {
	f.hashFlags.add(c)
	c.Flags().StringVar(&f.signature, "signature", "model.sig", "write the signature to this `FILE`")
	addDigests(c, &f.digests)
	f.manifest.add(c, "sign")
}

// sign signs the model with the signer that c has.
func (f *signFlags) sign(cmd *cobra.Command, model string, log *slog.Logger, c signing.Configuration) error {
	if f.signature == "" {
		return usageError{errors.New("--signature is empty")}
	}
	if err := checkDigests(cmd); err != nil {
		return err
	}
	if err := c.Err(); err != nil {
		return usageUnlessUnread(err)
	}
	replaced, err := replaces(f.signature)
	if err != nil {
		return err
	}
	if cmd.Flags().Changed("manifest") {
		return f.signManifest(cmd, model, c.SetLogger(log), replaced)
	}
	h, err := f.config(cmd, model, log)
	if err != nil {
		return err
	}
	defer f.cache.save(log)
	if err := f.run(cmd.Context(), model, h, c.SetHashingConfig(h).SetLogger(log)); err != nil {
		return unwritten(err, "signature", f.signature, replaced)
	}
	return reportSigned(cmd, signed{Model: model, Signature: f.signature, Replaced: replaced})
}

func reportSigned(cmd *cobra.Command, s signed) error {
	return report(cmd, "signed", s, func(w io.Writer) {
		fmt.Fprintf(w, "Signing succeeded: %s\n", written(s.Signature, s.Replaced))
	})
}

func newSignKey(log *slog.Logger, flags signAction) *cobra.Command {
	var key signing.EllipticKey
	var secret password
	var tsa signing.TimestampAuthority
	c := &cobra.Command{
		Use:   "key MODEL",
		Short: "Sign with an elliptic-curve key",
		Args:  oneModelOrManifest,
		RunE: func(c *cobra.Command, args []string) (err error) {
			if key.PrivateKey == "" {
				return usageError{errors.New("--private-key is missing")}
			}
			if key.Password, err = secret.read(c, log); err != nil {
				return err
			}
			return flags.sign(c, modelOf(args), log, signing.Config().UseEllipticKeySigner(key).SetTimestampAuthority(tsa))
		},
	}
	flags.add(c)
	c.Flags().StringVar(&key.PrivateKey, "private-key", "", "sign with the private key in this PEM `FILE`")
	secret.add(c)
	addTimestampAuthority(c, &tsa)
	return c
}
