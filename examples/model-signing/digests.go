package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
	"github.com/spf13/cobra"
)

// addDigests adds the flag that says what a model consists of, so that no file of it is read.
func addDigests(c *cobra.Command, file *string) {
	c.Flags().StringVar(file, "digests", "", "read no model: its files and their digests are in this JSON `FILE`, a list or an OCI manifest")
}

// checkDigests refuses what is about files that are read, where none is: who asks for it would think that it was done.
func checkDigests(c *cobra.Command) error {
	for _, name := range []string{"digest-cache", "rehash", "follow-lfs-pointers", "hugging-face"} {
		if err := exclusive(c.Flags(), "digests", name); err != nil {
			return err
		}
	}
	return nil
}

// run signs the model, or what the digests say that it is.
func (f *signFlags) run(ctx context.Context, model string, h hashing.Configuration, c signing.Configuration) error {
	if f.digests == "" {
		return c.SignContext(ctx, model, f.signature)
	}
	name, files, err := readDigests(model, f.digests)
	if err != nil {
		return err
	}
	if f.method == string(manifest.Shards) {
		return usageError{errors.New("--digests are of whole files, of which --serialization-method shards cannot be made")}
	}
	m, err := h.HashFiles(ctx, name, files)
	if err != nil {
		return faultOfList(err)
	}
	return c.SignManifestTo(ctx, m, f.signature)
}

// run verifies the model, or what the digests say that it is.
func (f *verifyFlags) run(ctx context.Context, model string, c verifying.Configuration) (*verifying.Result, error) {
	if f.digests == "" {
		return f.verifyFiles(ctx, model, c)
	}
	name, files, err := readDigests(model, f.digests)
	if err != nil {
		return nil, err
	}
	b, err := bundle.ReadFile(f.signatures[0])
	if err != nil {
		return nil, fmt.Errorf("verifying %s: %w", model, err)
	}
	r, err := c.VerifyFiles(ctx, name, files, b)
	return r, faultOfList(err)
}

// readDigests returns the name of the model, of which nothing else is asked, and its files.
func readDigests(model, list string) (name string, files []manifest.File, err error) {
	abs, err := filepath.Abs(model)
	if err != nil {
		return "", nil, err
	}
	f, err := os.Open(list)
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	if files, err = hashing.ReadFiles(f); err != nil {
		return "", nil, faultOfList(fmt.Errorf("%s: %w", list, err))
	}
	return filepath.Base(abs), files, nil
}

// faultOfList says whose fault a list that can't be used is.
func faultOfList(err error) error {
	if errors.Is(err, hashing.ErrDigests) {
		return usageError{err}
	}
	return err
}
