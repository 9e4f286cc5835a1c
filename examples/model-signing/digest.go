package main

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"
)

func newDigest(log *slog.Logger) *cobra.Command {
	var flags hashFlags
	c := &cobra.Command{
		Use:   "digest MODEL",
		Short: "Print the root digest of a model",
		Args:  exactlyOneModel,
		RunE: func(c *cobra.Command, args []string) error {
			h, err := flags.config(c, args[0], log)
			if err != nil {
				return err
			}
			defer flags.cache.save(log)
			m, err := h.HashContext(c.Context(), args[0])
			if err != nil {
				return err
			}
			return report(c, "digest", digested{args[0], newContent(m)}, func(w io.Writer) { fmt.Fprintln(w, m.Root()) })
		},
	}
	flags.add(c)
	return c
}
