package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/bundle/provenance"
	"github.com/modelsigning/modelsigning/bundle/provenance/affected"
	"github.com/modelsigning/modelsigning/verifying"
	"github.com/spf13/cobra"
)

const affectedHelp = `. Each PROVENANCE is a file with a bundle or several.

Every file is answered for: affected, not affected, or unknown. It is unknown whenever "not affected" does not follow
from the list of packages: a package is absent from a list that is not complete, its version is not known, or the file
cannot be read or verified.

Exit code 0: no model is affected. 1: at least one is. 4: none is known to be, and of at least one it is unknown.`

func newAffected(log *slog.Logger) *cobra.Command {
	c := verifyGroup("affected", "Say which models were built with a package", log, func() verifyAction { return new(affectedFlags) })
	c.AddCommand(newAffectedUnverified())
	for _, sub := range append(c.Commands(), c) {
		sub.Args = someProvenance
		sub.Use = strings.Replace(sub.Use, "MODEL", "PROVENANCE…", 1)
		sub.Long = sub.Short + affectedHelp
	}
	return c
}

func newAffectedUnverified() *cobra.Command {
	f := new(affectedFlags)
	c := &cobra.Command{
		Use:   "unverified MODEL",
		Short: "Believe provenance without looking at who signed it",
		RunE: func(c *cobra.Command, _ []string) error {
			return f.answer(c, true, func(_ context.Context, b *bundle.Bundle) (*provenance.Statement, error) {
				return provenance.Parse(b.UnverifiedStatement())
			})
		},
	}
	f.addQuery(c)
	return c
}

func someProvenance(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError{errors.New("the path of a PROVENANCE is missing")}
	}
	return notEmptyPaths("PROVENANCE", args)
}

// affectedFlags are the flags of provenance affected.
type affectedFlags struct {
	packages, records []string
	version           string
	limit             int64
	policy            verifying.ProvenancePolicy
}

func (f *affectedFlags) add(c *cobra.Command) {
	f.addQuery(c)
	flags := c.Flags()
	flags.StringVar(&f.policy.BuilderID, "builder-id", "", "`URI` of what must have built the models; without @, any of its tags")
	flags.StringVar(&f.policy.SourceURI, "source-uri", "", "`URL` of the repository that they must have been built from")
	flags.BoolVar(&f.policy.AcceptAsserted, "accept-asserted", false, "accept what a certificate of Sigstore does not prove on the word of its owner")
}

func (f *affectedFlags) addQuery(c *cobra.Command) {
	flags := c.Flags()
	flags.Var((*repeated)(&f.packages), "package", "ask for the Python package of this `NAME` (repeatable)")
	flags.StringVar(&f.version, "version", "", "in versions that these `SPECIFIERS` contain, such as '>=2.0,<2.17.1' (default: in any)")
	flags.Var((*repeated)(&f.records), "osv", "ask for what the OSV record in this `FILE` is about (repeatable)")
	flags.Int64Var(&f.limit, "max-bundle-size", maxInspected, "read files of at most this many `BYTES`")
}

// chooseIdentity is that of provenance verify: the policy says which workflow.
func (f *affectedFlags) chooseIdentity(o verifying.Sigstore, id *verifying.SigstoreIdentity) error {
	same := checkFlags{policy: f.policy}
	return same.chooseIdentity(o, id)
}

// verify answers for all arguments of the command, not only for the first.
func (f *affectedFlags) verify(cmd *cobra.Command, _ string, log *slog.Logger, c verifying.Configuration) error {
	if err := notEmpty(cmd, "builder-id", "source-uri"); err != nil {
		return err
	}
	if f.policy.BuilderID == "" && f.policy.SourceURI == "" {
		return usageError{errors.New("--builder-id is missing")}
	}
	if err := c.Err(); err != nil {
		return usageUnlessUnread(err)
	}
	c = c.SetLogger(log)
	return f.answer(cmd, false, func(ctx context.Context, b *bundle.Bundle) (*provenance.Statement, error) {
		p, err := c.OpenProvenance(ctx, b, f.policy)
		if err != nil {
			return nil, err
		}
		return p.Statement, nil
	})
}

func (f *affectedFlags) query() (affected.Query, error) {
	switch {
	case f.limit <= 0:
		return affected.Query{}, usageError{fmt.Errorf("--max-bundle-size: %d is not positive", f.limit)}
	case len(f.packages) > 0 && len(f.records) > 0:
		return affected.Query{}, usageError{errors.New("--package and --osv exclude each other")}
	case f.version != "" && len(f.packages) == 0:
		return affected.Query{}, usageError{errors.New("--version: --package is missing")}
	case len(f.packages)+len(f.records) == 0:
		return affected.Query{}, usageError{errors.New("neither --package nor --osv is given: affected by what?")}
	case len(f.packages) > 0:
		q, err := affected.Versions(f.version, f.packages...)
		if err != nil {
			return q, usageError{err}
		}
		return q, nil
	}
	var records [][]byte
	for _, name := range f.records {
		data, err := readLimited(name, affected.MaxRecord)
		if err != nil {
			return affected.Query{}, err
		}
		records = append(records, data)
	}
	q, err := affected.Records(records...)
	if err != nil {
		return q, usageError{fmt.Errorf("--osv: %w", err)}
	}
	return q, nil
}

// An opener returns what a bundle says, if it may be believed.
type opener func(context.Context, *bundle.Bundle) (*provenance.Statement, error)

// answer answers for one file after the other. In text, each answer is written when it is known.
func (f *affectedFlags) answer(cmd *cobra.Command, unverified bool, open opener) error {
	q, err := f.query()
	if err != nil {
		return err
	}
	all := answers{Unverified: unverified, Answers: []answer{}, Withdrawn: list(q.Withdrawn())}
	asJSON := cmd.Flag("output").Value.String() == string(formatJSON)
	if !asJSON && len(all.Withdrawn) > 0 {
		fmt.Fprintf(cmd.OutOrStdout(), "withdrawn, and not asked for: %s\n", printable(strings.Join(all.Withdrawn, ", ")))
	}
	for _, name := range cmd.Flags().Args() {
		a, err := askFile(cmd.Context(), q, name, f.limit, open)
		if err != nil {
			return err
		}
		all.count(a.status)
		if asJSON {
			all.Answers = append(all.Answers, a)
		} else {
			a.print(cmd.OutOrStdout(), unverified)
		}
	}
	if err := report(cmd, "affected", &all, func(io.Writer) {}); err != nil {
		return err
	}
	if all.Status == affected.NotAffected.String() {
		return nil
	}
	return &answered{&all}
}

// askFile answers for the bundles of a file that may be believed. That none can be is an unknown answer; an error is
// only that the command was stopped.
func askFile(ctx context.Context, q affected.Query, name string, limit int64, open opener) (answer, error) {
	a := answer{Provenance: name, Findings: []finding{}}
	bundles, err := bundle.ReadAllFile(name, limit)
	believed := 0
	for _, b := range bundles {
		s, openErr := open(ctx, b)
		if ctx.Err() != nil {
			return a, ctx.Err()
		}
		if openErr != nil {
			err = errors.Join(err, openErr)
			continue
		}
		if len(s.Subjects) > 0 {
			a.Model = s.Subjects[0].Name
		}
		a.add(q.Ask(affected.FromStatement(s)), believed == 0)
		believed++
	}
	if believed == 0 {
		if err == nil {
			err = errors.New("holds no provenance")
		}
		a.Error = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	a.Status = a.status.String()
	return a, ctx.Err()
}
