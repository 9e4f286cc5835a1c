package main

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/internal/inside"
	"github.com/spf13/cobra"
)

func newProvenance(log *slog.Logger) *cobra.Command {
	c := &cobra.Command{
		Use:   "provenance",
		Short: "Say how a model was built, and verify that (SLSA)",
		Args:  cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("which command? See model-signing provenance --help")}
			}
			return usageError{fmt.Errorf("unknown command %q; see model-signing provenance --help", args[0])}
		},
	}
	c.AddCommand(
		signGroup("create", "Sign how a model was built", log, func() signAction { return new(createFlags) }),
		verifyGroup("verify", "Verify how a model was built", log, func() verifyAction { return new(checkFlags) }),
		newAffected(log),
	)
	return c
}

// leaveOut has a file ignored where it lies in the model.
func leaveOut(h hashing.Configuration, model, file string) (hashing.Configuration, error) {
	root, err := realPath(model)
	if err != nil {
		return h, err
	}
	dir, err := realPath(filepath.Dir(file))
	if err != nil {
		return h, err
	}
	if rel, err := filepath.Rel(root, dir); err != nil || !filepath.IsLocal(rel) {
		return h, nil
	}
	paths, err := inside.Paths(model, file)
	return h.AddIgnoredPaths(paths...), err
}
