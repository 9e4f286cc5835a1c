package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/internal/inside"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/spf13/cobra"
)

// A sliceFlag is which slice of how many, as in 3/16.
type sliceFlag struct{ index, of int }

func (s *sliceFlag) Type() string { return "I/N" }

func (s *sliceFlag) String() string {
	if s.of == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.index, s.of)
}

func (s *sliceFlag) Set(text string) (err error) {
	index, of, ok := strings.Cut(text, "/")
	if s.index, err = strconv.Atoi(index); !ok || err != nil {
		return errors.New("is not I/N, as in 0/16")
	}
	if s.of, err = strconv.Atoi(of); err != nil || s.of < 1 || s.of > manifest.MaxSlices || s.index < 0 || s.index >= s.of {
		return fmt.Errorf("is not one of the slices 0/N to N-1/N, N being at most %d", manifest.MaxSlices)
	}
	return nil
}

// A changedError says that a model changed between the jobs that hash it, so that none of them should go on.
type changedError struct{ error }

func (e changedError) Unwrap() error { return e.error }

// forAll marks the error of a job that shares a model with others.
func forAll(err error) error {
	if errors.Is(err, hashing.ErrChanged) {
		return changedError{err}
	}
	return err
}

// like has the model hashed as a signature says, which need not be true: verifying looks at it again.
func like(h hashing.Configuration, model, signature string) (hashing.Configuration, error) {
	if signature == "" {
		return h, nil
	}
	b, err := bundle.ReadFile(signature)
	if err != nil {
		return h, err
	}
	m, err := bundle.ParseStatement(b.UnverifiedStatement())
	if err != nil {
		return h, fmt.Errorf("%s: %w", signature, err)
	}
	if info, err := os.Stat(model); err != nil {
		return h, err
	} else if info.IsDir() {
		own, err := inside.Paths(model, signature)
		if err != nil {
			return h, err
		}
		h = h.AddIgnoredPaths(own...)
	}
	return h.SetMaxResources(len(m.Resources) + 1<<20).ForManifest(m)
}

// errFollowLFS says that slices, and rechecking, are of what was read.
var errFollowLFS = usageError{errors.New("--follow-lfs-pointers is for hashing on one machine: slices are read, pointers or not")}

func addLike(c *cobra.Command, name *string) {
	c.Flags().StringVar(name, "like", "", "hash as the signature in this `FILE` says, to verify it")
}

func newPlan(log *slog.Logger) *cobra.Command {
	var flags hashFlags
	var out = outFile{kind: planFile}
	var n int
	var signature string
	c := &cobra.Command{
		Use:     "plan MODEL",
		Short:   "List a model once, so that many machines can hash a slice each",
		Args:    exactlyOneModel,
		PreRunE: noneEmpty,
		RunE: func(c *cobra.Command, args []string) error {
			if n < 1 || n > manifest.MaxSlices {
				return usageError{fmt.Errorf("--slices: %d is not between 1 and %d", n, manifest.MaxSlices)}
			}
			h, err := flags.shared(c, args[0], signature, &out, log)
			if err != nil {
				return err
			}
			p, err := h.Plan(c.Context(), args[0], n)
			if err != nil {
				return forAll(err)
			}
			if err := out.write(p); err != nil {
				return err
			}
			r := newPlanned(args[0], out.name, p)
			return report(c, "planned", r, func(w io.Writer) {
				fmt.Fprintf(w, "Planned %d files of %d bytes for %d slices\n", r.FileCount, r.Bytes, r.Slices)
			})
		},
	}
	flags.add(c)
	out.add(c, "the plan")
	addLike(c, &signature)
	c.Flags().IntVarP(&n, "slices", "n", 0, "cut the model into `N` slices")
	return c
}

// shared returns the configuration for one of several jobs, and sees that its result may be written.
func (f *hashFlags) shared(c *cobra.Command, model, signature string, out *outFile, log *slog.Logger) (hashing.Configuration, error) {
	if f.followLFS {
		return hashing.Configuration{}, errFollowLFS
	}
	h, err := f.config(c, model, log)
	if err != nil {
		return h, err
	}
	ignored, err := ignoredPaths(f.ignore, model, slog.New(slog.DiscardHandler)) // config has warned
	if err != nil {
		return h, err
	}
	if err := out.check(model, ignored); err != nil {
		return h, err
	}
	return like(h, model, signature)
}

func readPlan(name string) (*manifest.Plan, error) {
	data, err := readFile(name)
	if err != nil {
		return nil, err
	}
	plan, err := manifest.ParsePlan(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return plan, nil
}

// part hashes a slice and writes the part.
func (f *digestFlags) part(c *cobra.Command, model string, log *slog.Logger) error {
	h, err := f.shared(c, model, f.signature, &f.out, log)
	if err != nil {
		return err
	}
	defer f.cache.save(log)
	if f.plan != "" {
		plan, err := readPlan(f.plan)
		if err != nil {
			return err
		}
		h = h.SetPlan(plan)
	}
	p, err := hashPart(c.Context(), h.Slice(f.slice.index, f.slice.of), model)
	if err != nil {
		return err
	}
	if err := f.out.write(p); err != nil {
		return err
	}
	r := newPart(model, f.out.name, p)
	return report(c, "part", r, func(w io.Writer) {
		fmt.Fprintf(w, "Hashed slice %s: %d digests\n", &f.slice, r.ResourceCount)
	})
}

func hashPart(ctx context.Context, h hashing.Configuration, model string) (*manifest.Partial, error) {
	p, err := h.Part(ctx, model)
	return p, forAll(err)
}
