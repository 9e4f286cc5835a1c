package main

import (
	"errors"
	"fmt"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A withManifest is the flag that takes the place of the MODEL of the commands sign and verify.
type withManifest struct{ name string }

func (m *withManifest) add(c *cobra.Command, what string) {
	c.Flags().StringVar(&m.name, "manifest", "", what+" what this `FILE` says of a model, in the place of the MODEL")
}

// oneModelOrManifest is what commands take that have the flag.
func oneModelOrManifest(c *cobra.Command, args []string) error {
	if !c.Flags().Changed("manifest") {
		return exactlyOneModel(c, args)
	}
	if len(args) > 0 {
		return usageError{fmt.Errorf("a MODEL and --manifest exclude each other: %q", args)}
	}
	return nil
}

// modelOf returns the MODEL of a command, which is empty if there is a manifest.
func modelOf(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// read reads the manifest. Flags that say how to hash make no sense with it.
func (m *withManifest) read(c *cobra.Command, model string) (*manifest.Manifest, error) {
	switch {
	case model != "":
		return nil, usageError{errors.New("a MODEL and --manifest exclude each other")}
	case m.name == "":
		return nil, usageError{errors.New("--manifest is empty")}
	}
	if err := m.alone(c); err != nil {
		return nil, err
	}
	data, err := readFile(m.name)
	if err != nil {
		return nil, err
	}
	found, err := bundle.ParseStatement(data)
	if err != nil {
		return nil, malformedError{fmt.Errorf("%s: is not a manifest: %w", m.name, withoutSentinel(err))}
	}
	return found, nil
}

// alone refuses flags that say how to hash, or what else there is instead of a model.
func (m *withManifest) alone(c *cobra.Command) (err error) {
	var hashing cobra.Command
	new(hashFlags).add(&hashing)
	c.Flags().Visit(func(f *pflag.Flag) {
		switch f.Name {
		case "threshold":
			err = usageError{errors.New("--threshold and --manifest exclude each other")}
			return
		case "digests", "only", "copy-to":
		default:
			if hashing.Flags().Lookup(f.Name) == nil {
				return
			}
		}
		err = usageError{fmt.Errorf("--%s is about a model, which --manifest takes the place of", f.Name)}
	})
	return err
}

func (f *signFlags) signManifest(cmd *cobra.Command, model string, c signing.Configuration, replaced bool) error {
	m, err := f.manifest.read(cmd, model)
	if err != nil {
		return err
	}
	if err := c.SignManifestTo(cmd.Context(), m, f.signature); err != nil {
		return unwritten(err, "signature", f.signature, replaced)
	}
	return reportSigned(cmd, signed{m.Name, f.signature, replaced, f.manifest.name})
}

func (f *verifyFlags) verifyManifest(cmd *cobra.Command, model string, c verifying.Configuration) error {
	m, err := f.manifest.read(cmd, model)
	if err != nil {
		return err
	}
	b, err := bundle.ReadFile(f.signatures[0])
	if err != nil {
		return err
	}
	r, err := c.SetIgnoreUnsignedFiles(f.ignoreUnsigned).VerifyManifest(cmd.Context(), m, b)
	if err != nil {
		return fmt.Errorf("%s: %w", f.signatures[0], err)
	}
	return f.report(cmd, m.Name, r)
}
