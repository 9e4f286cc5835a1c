package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/modelsigning/modelsigning/bundle/provenance"
	"github.com/modelsigning/modelsigning/internal/ci"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/spf13/cobra"
)

// createFlags are the flags of provenance create.
type createFlags struct {
	hashFlags
	dependencyFlags
	attestation, signature string
	environment            string
	build                  provenance.Build
	inputs                 []string
	started, finished      string
}

func (f *createFlags) add(c *cobra.Command) {
	f.hashFlags.add(c)
	f.dependencyFlags.add(c)
	flags := c.Flags()
	flags.StringVar(&f.attestation, "provenance", "model.intoto.jsonl", "write the provenance to this `FILE`")
	flags.StringVar(&f.signature, "model-signature", "", "leave out the model's signature, this `FILE`, if it lies in the model")
	flags.StringVar(&f.environment, "environment", "none", "read what is not given from the variables of `SYSTEM`: github, gitlab, cloudbuild, buildkite, tekton, or auto for the one that this is")
	flags.StringVar(&f.build.Builder.ID, "builder-id", "", "`URI` of what runs the build; of a workflow that signs with Sigstore, its identity")
	flags.StringVar(&f.build.Source.URI, "source-uri", "", "`URL` of the repository")
	flags.StringVar(&f.build.Source.Ref, "source-ref", "", "`REF` in the repository, such as refs/heads/main")
	flags.StringVar(&f.build.Source.Commit, "source-commit", "", "`HASH` of the commit")
	flags.StringVar(&f.build.EntryPoint, "entry-point", "", "`PATH` in the repository of the workflow or script that ran")
	flags.Var((*repeated)(&f.inputs), "input", "the build was given this input, `NAME=VALUE` (repeatable; no secrets)")
	flags.StringVar(&f.build.Trigger, "trigger", "", "`EVENT` that started the build")
	flags.StringVar(&f.build.InvocationID, "invocation-id", "", "`URL` or name of this run")
	flags.StringVar(&f.started, "started-on", "", "`TIME` when the build began (RFC 3339)")
	flags.StringVar(&f.finished, "finished-on", "", "`TIME` when the build ended (RFC 3339)")
}

// sign signs how the model was built with the signer that c has.
func (f *createFlags) sign(cmd *cobra.Command, model string, log *slog.Logger, c signing.Configuration) error {
	if f.attestation == "" {
		return usageError{errors.New("--provenance is empty")}
	}
	if err := c.Err(); err != nil {
		return usageUnlessUnread(err)
	}
	h, err := f.config(cmd, model, log)
	if err != nil {
		return err
	}
	defer f.cache.save(log)
	if f.signature != "" {
		if h, err = leaveOut(h, model, f.signature); err != nil {
			return err
		}
	}
	replaced, err := replaces(f.attestation)
	if err != nil {
		return err
	}
	b, err := f.read()
	if err != nil {
		return err
	}
	if err := provenance.Check(b); err != nil {
		return usageError{err}
	}
	data, err := f.dependencyFlags.locate(model)
	if err != nil {
		return err
	}
	if err := hash(cmd.Context(), &b, data); err != nil {
		return unwritten(err, "provenance", f.attestation, replaced)
	}
	if err := c.SetHashingConfig(h).SetLogger(log).SignProvenance(cmd.Context(), model, f.attestation, b); err != nil {
		return unwritten(err, "provenance", f.attestation, replaced)
	}
	return report(cmd, "attested", attested{model, f.attestation, replaced}, func(w io.Writer) {
		fmt.Fprintf(w, "Provenance signed: %s: built by %s\n", written(f.attestation, replaced), printable(b.Builder.ID))
	})
}

// read puts the build together from the flags, and from the environment what they leave open.
func (f *createFlags) read() (provenance.Build, error) {
	b := f.build
	for _, t := range []struct {
		name, text string
		to         *time.Time
	}{{"started-on", f.started, &b.StartedOn}, {"finished-on", f.finished, &b.FinishedOn}} {
		if t.text == "" {
			continue
		}
		var err error
		if *t.to, err = time.Parse(time.RFC3339, t.text); err != nil {
			return b, usageError{fmt.Errorf("--%s: %q is not a time such as 2026-01-31T12:00:00Z", t.name, t.text)}
		}
	}
	var err error
	if b.Inputs, err = pairs("input", f.inputs); err != nil {
		return b, err
	}
	if err := f.readEnvironment(&b); err != nil {
		return b, err
	}
	if b.Builder.ID == "" {
		return b, usageError{errors.New("--builder-id is missing, and --environment does not say who builds")}
	}
	return b, f.dependencyFlags.read(&b)
}

func (f *createFlags) readEnvironment(b *provenance.Build) error {
	system := ci.System(f.environment)
	switch system {
	case "none":
		return nil
	case "auto":
		if system = ci.Detect(os.Getenv); system == "" {
			return usageError{errors.New("--environment: this is no system for continuous integration that is known")}
		}
	}
	e, err := ci.Read(system, os.Getenv)
	if err != nil {
		return usageError{fmt.Errorf("--environment: %w", err)}
	}
	fill := func(to *string, from string) {
		if *to == "" {
			*to = from
		}
	}
	fill(&b.Builder.ID, e.BuilderID)
	fill(&b.InvocationID, e.InvocationID)
	fill(&b.EntryPoint, e.EntryPoint)
	fill(&b.Trigger, e.Event)
	if fill(&b.Source.URI, e.Source.URI); b.Source.URI == e.Source.URI && b.Source.URI != "" { // or it is a commit of another one
		fill(&b.Source.Ref, e.Source.Ref)
		fill(&b.Source.Commit, e.Source.Commit)
	}
	if b.StartedOn.IsZero() {
		b.StartedOn = e.Started
	}
	return nil
}

// pairs reads NAME=VALUE.
func pairs(flag string, texts []string) (map[string]string, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	m := make(map[string]string)
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		_, twice := m[name]
		switch {
		case !ok || name == "": // it may be a secret
			return nil, usageError{fmt.Errorf("--%s: what is given is not NAME=VALUE", flag)}
		case twice:
			return nil, usageError{fmt.Errorf("--%s: %q is given twice", flag, name)}
		}
		m[name] = value
	}
	return m, nil
}
