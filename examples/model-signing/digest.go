package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/spf13/cobra"
)

// digestFlags are the flags of the command digest.
type digestFlags struct {
	hashFlags
	slice     sliceFlag
	plan      string
	signature string // to hash like
	out       outFile
}

func newDigest(log *slog.Logger) *cobra.Command {
	var flags digestFlags
	c := &cobra.Command{
		Use:   "digest MODEL",
		Short: "Print the root digest of a model, or hash a slice of it",
		Long: "Print the root digest of a model, or hash a slice of it. With --slice, the exit code is 3 if another try is worth " +
			"while, and 5 if the model has changed, so that no slice needs to be tried again.",
		Args:    exactlyOneModel,
		PreRunE: noneEmpty,
		RunE: func(c *cobra.Command, args []string) error {
			if err := exclusive(c.Flags(), "plan", "like"); err != nil {
				return err
			}
			if flags.slice.of > 0 {
				flags.out.kind = partFile
				return flags.part(c, args[0], log)
			}
			if flags.plan != "" {
				return usageError{errors.New("--plan needs --slice")}
			}
			return flags.whole(c, args[0], log)
		},
	}
	flags.add(c)
	flags.out.add(c, "the part, or the manifest of the whole model,")
	addLike(c, &flags.signature)
	c.Flags().Var(&flags.slice, "slice", "hash slice `I/N` only, I from 0 to N-1")
	c.Flags().StringVar(&flags.plan, "plan", "", "take the files of the model from the plan in this `FILE`, and do not list it")
	return c
}

// whole hashes the whole model, and writes its manifest if that is asked for.
func (f *digestFlags) whole(c *cobra.Command, model string, log *slog.Logger) error {
	h, err := f.config(c, model, log)
	defer f.cache.save(log)
	if f.out.kind = manifestFile; err == nil && f.out.name != "" {
		h, err = f.shared(c, model, f.signature, &f.out, log)
	} else if err == nil {
		h, err = like(h, model, f.signature)
	}
	if err != nil {
		return err
	}
	m, err := h.HashContext(c.Context(), model)
	if err != nil {
		return err
	}
	if f.out.name != "" {
		statement, err := bundle.MarshalStatement(m)
		if err != nil {
			return err
		}
		if err := f.out.write(bytesTo(statement)); err != nil {
			return err
		}
	}
	return report(c, "digest", digested{model, newContent(m)}, func(w io.Writer) { fmt.Fprintln(w, m.Root()) })
}
