package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/spf13/cobra"
)

var errNoParts = errors.New("there are no parts")

// A percent is a share, as in 1%.
type percent float64

func (p *percent) Type() string   { return "PERCENT" }
func (p *percent) String() string { return strconv.FormatFloat(float64(*p), 'g', -1, 64) + "%" }

func (p *percent) Set(s string) error {
	number, ok := strings.CutSuffix(s, "%")
	n, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !(n > 0 && n <= 100) {
		return errors.New("is not a share above 0% and at most 100%, as in 1%")
	}
	*p = percent(n)
	return nil
}

// mergeFlags are the flags of the command merge.
type mergeFlags struct {
	hashFlags
	out     outFile
	plan    string
	model   string
	recheck percent
}

func newMerge(log *slog.Logger) *cobra.Command {
	flags := mergeFlags{out: outFile{kind: manifestFile}}
	c := &cobra.Command{
		Use:   "merge PARTS...",
		Short: "Make the manifest of a model from the parts of all slices",
		Long: "Make the manifest of a model from the parts of all slices. A part that is a directory stands for all files in it " +
			"whose names end in .json. If slices are missing, the exit code is 6, and they are printed as an array job takes them; " +
			"5 says that the model changed between the slices, and 1 that parts are rejected.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("which PARTS?")}
			}
			return notEmptyPaths("PART", args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("recheck") != (flags.model != "") {
				return usageError{errors.New("--recheck and --model need each other")}
			}
			if flags.followLFS {
				return errFollowLFS
			}
			for _, name := range []string{"digest-cache", "rehash"} {
				if c.Flags().Changed(name) {
					return usageError{fmt.Errorf("--%s is not for merge, which hashes files for --recheck alone and reads those", name)}
				}
			}
			if err := flags.check(); err != nil {
				return err
			}
			m, err := flags.merge(args)
			var missing *manifest.MissingSlicesError
			if errors.As(err, &missing) && c.Flag("output").Value.String() == string(formatText) {
				fmt.Fprintln(c.OutOrStdout(), missing.List())
			}
			if err != nil {
				return err
			}
			return flags.finish(c, m, log)
		},
	}
	flags.addCommon(c)
	for _, name := range []string{"digest-cache", "rehash", "follow-lfs-pointers"} {
		_ = c.Flags().MarkHidden(name) // they are refused, and say why
	}
	flags.out.add(c, "the manifest")
	c.Flags().StringVar(&flags.plan, "plan", "", "merge no parts but those of the plan in this `FILE`")
	c.Flags().StringVar(&flags.model, "model", "", "the model's `PATH`, for --recheck")
	c.Flags().Var(&flags.recheck, "recheck", "hash this `PERCENT` of the model again, chosen at random")
	return c
}

// check sees that the manifest may be written.
func (f *mergeFlags) check() (err error) {
	var ignored []string
	if f.model != "" {
		if ignored, err = ignoredPaths(f.ignore, f.model, slog.New(slog.DiscardHandler)); err != nil {
			return err
		}
	}
	return f.out.check(f.model, ignored)
}

// finish rechecks the manifest if that is asked for, and writes it.
func (f *mergeFlags) finish(c *cobra.Command, m *manifest.Manifest, log *slog.Logger) error {
	checked := 0
	if f.model != "" {
		h, err := f.config(c, f.model, log)
		if err != nil {
			return err
		}
		if checked, err = h.Recheck(c.Context(), f.model, m, float64(f.recheck)/100); err != nil {
			return forAll(err)
		}
	}
	statement, err := bundle.MarshalStatement(m)
	if err != nil {
		return err
	}
	if err := f.out.write(bytesTo(statement)); err != nil {
		return err
	}
	r := merged{Manifest: f.out.name, Rechecked: checked, content: newContent(m)}
	return report(c, "merged", r, func(w io.Writer) { fmt.Fprintln(w, m.Root()) })
}

// merge reads the parts, one at a time, and merges them.
func (f *mergeFlags) merge(args []string) (*manifest.Manifest, error) {
	merge := manifest.Merge
	if f.plan != "" {
		plan, err := readPlan(f.plan)
		if err != nil {
			return nil, err
		}
		merge = plan.Merge
	}
	names, absent, err := partFiles(args)
	if err != nil {
		return nil, err
	}
	parts := make([]*manifest.Partial, len(names))
	for i, name := range names {
		data, err := readFile(name)
		if err != nil {
			return nil, err
		}
		if parts[i], err = manifest.ParsePartial(data); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	switch {
	case len(parts) > 0:
	case absent != nil:
		return nil, fmt.Errorf("%w: %w", errNoParts, absent)
	default:
		return nil, errNoParts
	}
	m, err := merge(parts...)
	if err == nil {
		err = absent
	}
	return m, err
}

// partFiles returns the names of the files, and for directories those of the parts in it. Absent is about what is not
// there, since its slice may not have been hashed yet: neither the part nor the directory that the first job makes.
func partFiles(args []string) (names []string, absent, err error) {
	for _, arg := range args {
		info, err := os.Stat(arg)
		if errors.Is(err, fs.ErrNotExist) {
			absent = err
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if !info.IsDir() {
			names = append(names, arg)
			continue
		}
		entries, err := os.ReadDir(arg)
		if err != nil {
			return nil, nil, err
		}
		for _, e := range entries {
			if filepath.Ext(e.Name()) == ".json" {
				names = append(names, filepath.Join(arg, e.Name()))
			}
		}
	}
	return names, absent, nil
}

// isIncomplete reports whether an error says that slices have to be hashed yet.
func isIncomplete(err error) bool {
	return as[*manifest.MissingSlicesError](err) || errors.Is(err, errNoParts)
}

func isTreeChanged(err error) bool {
	return as[changedError](err) || errors.Is(err, manifest.ErrTreeChanged)
}

func isBadPart(err error) bool {
	for _, bad := range []error{manifest.ErrPlan, manifest.ErrPartial, manifest.ErrOtherRun, manifest.ErrOverlap, manifest.ErrNotCovered} {
		if errors.Is(err, bad) {
			return true
		}
	}
	return false
}

func isRecheck(err error) bool { return as[*hashing.RecheckError](err) }
