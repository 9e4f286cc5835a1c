package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"strconv"

	"github.com/modelsigning/modelsigning/verifying"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newVerify(log *slog.Logger) *cobra.Command {
	return verifyGroup("verify", "Verify a model", log, func() verifyAction { return new(verifyFlags) })
}

// A verifyAction is what is done with a verifier, and the flags that it has besides the verifier's.
type verifyAction interface {
	add(c *cobra.Command)
	verify(cmd *cobra.Command, model string, log *slog.Logger, c verifying.Configuration) error
}

// verifyGroup is a command that does something with each of the verifiers.
func verifyGroup(use, short string, log *slog.Logger, action func() verifyAction) *cobra.Command {
	all := group(use, short, func() *cobra.Command { return newVerifySigstore(log, action()) },
		newVerifyKey(log, action()), newVerifyCertificate(log, action()), newVerifyAny(log, action()))
	for _, c := range append(all.Commands(), all) {
		c.PreRunE = noneEmpty
	}
	return all
}

// noneEmpty refuses flags with an empty value, such as a variable that was not set: most of them would be a condition
// less, without a word. Those that may be repeated refuse it themselves.
func noneEmpty(c *cobra.Command, _ []string) (err error) {
	c.Flags().Visit(func(f *pflag.Flag) {
		if f.Value.Type() == "string" && f.Value.String() == "" {
			err = usageError{fmt.Errorf("--%s is empty", f.Name)}
		}
	})
	return err
}

// verifyFlags are the flags of every method to verify.
type verifyFlags struct {
	hashFlags
	signatures     []string
	threshold      int
	copyTo         string
	digests        string
	ignoreUnsigned bool
	only           []string
	manifest       withManifest
}

func (f *verifyFlags) add(c *cobra.Command) {
	f.addCommon(c)
	c.Flags().Var((*repeated)(&f.signatures), "signature", "the signature's `FILE` (repeatable with --threshold)")
	f.addPolicy(c)
	addDigests(c, &f.digests)
	f.manifest.add(c, "verify")
	c.Flags().BoolVar(&f.ignoreUnsigned, "ignore-unsigned-files", false, "accept files that were not signed")
	c.Flags().Var(not{&f.ignoreUnsigned}, "no-ignore-unsigned-files", "reject files that were not signed (the default)")
	c.Flags().Lookup("no-ignore-unsigned-files").NoOptDefVal = "true"
	c.Flags().Var((*repeated)(&f.only), "only", "verify only the signed files that match this `PATTERN`, or are below a directory that does (repeatable)")
}

// verify verifies the model with the verifier that c has.
func (f *verifyFlags) verify(cmd *cobra.Command, model string, log *slog.Logger, c verifying.Configuration) error {
	if err := f.check(cmd); err != nil {
		return err
	}
	if err := c.Err(); err != nil {
		return usageUnlessUnread(err)
	}
	if cmd.Flags().Changed("manifest") {
		return f.verifyManifest(cmd, model, c)
	}
	h, err := f.config(cmd, model, log)
	if err != nil {
		return err
	}
	defer f.cache.save(log)
	c = c.SetHashingConfig(h).SetIgnoreUnsignedFiles(f.ignoreUnsigned).SetOnly(f.only...)
	if f.threshold > 0 {
		return f.verifyThreshold(cmd, model, c)
	}
	r, err := f.run(cmd.Context(), model, c)
	if err != nil {
		return err
	}
	return f.report(cmd, model, r)
}

// report says what was verified.
func (f *verifyFlags) report(cmd *cobra.Command, model string, r *verifying.Result) error {
	v := verified{model, f.signatures[0], newSigner(r.Signer), newContent(r.Manifest), list(r.Ignored), list(r.Unsigned), r.Unread, f.manifest.name}
	name, done := "verified", "Verification succeeded"
	var value any = v
	if r.Partial {
		name, done = "partially_verified", fmt.Sprintf("Partial verification succeeded (signed files not checked: %d)", len(r.Unchecked))
		value = partiallyVerified{v, list(r.Unchecked)}
	}
	return report(cmd, name, value, func(w io.Writer) {
		warn(cmd.ErrOrStderr(), "ignored", r.Ignored)
		warn(cmd.ErrOrStderr(), "not signed", r.Unsigned)
		warn(cmd.ErrOrStderr(), "not pulled", r.Unread)
		warn(cmd.ErrOrStderr(), "not asked for", r.Unchecked)
		at := ""
		if v.Signer.Time != "" {
			at = fmt.Sprintf(" at %s (%s)", v.Signer.Time, printable(v.Signer.TimeSource))
		}
		fmt.Fprintf(w, "%s: signed by %s %s%s\n", done, v.Signer.Method, printable(v.Signer.Subject), at)
	})
}

// shown is how many paths of a kind are printed.
const shown = 20

// warn prints what is there and was not verified, quoted, since whoever made the model chose the names.
func warn(w io.Writer, what string, paths []string) {
	for i, p := range paths {
		if i == shown {
			fmt.Fprintf(w, "not verified (%s): … and %d more\n", what, len(paths)-shown)
			return
		}
		fmt.Fprintf(w, "not verified (%s): %s\n", what, strconv.QuoteToGraphic(p))
	}
}

// usageUnlessUnread says whose fault a bad option is: the caller's, but for files that can't be read. Errors that have a
// kind of their own for that keep it.
func usageUnlessUnread(err error) error {
	if as[*fs.PathError](err) || kindOf(err).exit == exitUsage {
		return err
	}
	return usageError{err}
}

func newVerifyKey(log *slog.Logger, flags verifyAction) *cobra.Command {
	var keys, timestamps []string
	c := &cobra.Command{
		Use:   "key MODEL",
		Short: "Verify with an elliptic-curve key",
		Args:  oneModelOrManifest,
		RunE: func(c *cobra.Command, args []string) error {
			if len(keys) == 0 {
				return usageError{errors.New("--public-key is missing")}
			}
			return flags.verify(c, modelOf(args), log, anyOf(keyVerifiers(keys, timestamps)))
		},
	}
	flags.add(c)
	c.Flags().Var((*repeated)(&keys), "public-key", "verify with the public key in this PEM `FILE` (repeatable: any of them)")
	addTrustedTimestamps(c, &timestamps)
	return c
}
