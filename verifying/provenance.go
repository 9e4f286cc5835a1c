package verifying

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/bundle/provenance"
	"github.com/modelsigning/modelsigning/manifest"
)

// ErrProvenance says that provenance is signed as it should be, and not accepted. The [*ProvenanceError] that wraps it
// says which part of it.
var ErrProvenance = errors.New("provenance not accepted")

// A ProvenancePolicy says which provenance is accepted. All fields that are set must hold, exactly as they are spelled, but
// for what BuilderID and SourceURI say.
//
// What Sigstore has certified must be proven by the certificate, not only be said in the statement; of a workflow's
// run it proves the builder, the source and its commit. A key, or a certificate of one's own, proves nothing of a build:
// its holder is trusted to tell the truth as a builder, so BuilderID is required. With Sigstore, BuilderID or SourceURI
// is. BuilderID alone is not enough where the builder, a reusable workflow, belongs to another owner than the source on
// the same host, as the first part of their paths has it: it builds for anybody. SourceURI alone says nothing of who
// built it: the configuration must then name an OpenID provider that only certifies a repository to its own workflows, as
// GitHub's does, for others certify whatever anybody builds.
type ProvenancePolicy struct {
	// BuilderID is the URI of who must have run the build, which for Sigstore is the signer's identity. Without
	// an @, it may be followed by @refs/tags/ and any tag.
	BuilderID string
	// SourceURI is the repository: https://github.com/example/finbert, or without https. Neither git+ before it nor a
	// slash or .git behind it counts, in what is expected as in what is said.
	SourceURI string
	// Branch or Tag is what of it must have been built, by its short name, without refs/heads/ or refs/tags/. A build of a tag
	// proves no branch.
	Branch, Tag string
	// Commit is the hash of the commit, in full.
	Commit string
	// EntryPoint is the path of the workflow in the repository.
	EntryPoint string
	// Inputs are parameters that the build must have been given. No certificate proves them: the builder says so.
	Inputs map[string]string

	// Partial accepts that files that the provenance lists are missing from the model. [Provenance.Absent] lists them.
	Partial bool
	// IgnoreNames takes any file for the model that has the digest of one that the provenance lists, for builders
	// that call it by another name. The model must then be a file: contents alone say nothing about a directory.
	IgnoreNames bool
	// AcceptAsserted accepts what Sigstore's certificate does not prove on the word of the signer. It is for people
	// who sign provenance: the configuration must then say whose signature it accepts.
	AcceptAsserted bool
}

// A Claim is one thing that provenance says.
type Claim struct {
	Value string
	// Proven says that the signer's certificate has it, so that the build's own words were not needed. What is not
	// proven is as true as the signer is trusted.
	Proven bool
}

// Provenance is what was verified of how a model was built.
type Provenance struct {
	// Builder ran the build. Source is the URL of a repository, Ref the reference in full, Commit its hash, EntryPoint
	// the path of the workflow, Trigger the event, and Invocation the URL or name of the run. What is neither said nor
	// proven is empty.
	Builder, Source, Ref, Commit, EntryPoint, Trigger, Invocation Claim
	// Statement is all that was said. None of it is proven but the claims above.
	Statement *provenance.Statement
	// Signer is who signed it.
	Signer Identity
	// Level is the SLSA build level that the builder is known to earn: 3 for slsa-github-generator, 2 for GitHub's
	// artifact attestations, both on GitHub's own runners, and 1 for everything else: the provenance exists.
	Level int
	// Manifest is what the provenance is about: the names and digests of the model's files.
	Manifest *manifest.Manifest
	// Ignored, Unsigned and Unread are as in [Result]. Absent are the files that the provenance lists and the model lacks,
	// with [ProvenancePolicy.Partial]. Sorted.
	Ignored, Unsigned, Unread, Absent []string
}

// VerifyProvenance verifies that the model, a directory or a file, was built as the policy says. The file attestation
// holds one bundle or several, as JSON lines, see [bundle.ReadAll]; one of them must do, and the others are not used. A
// nil error means that its signature and its claims are good, that every file it lists is there with that content, and
// that nothing else is, but for what the result lists. [Configuration.SetOnly] does not restrict it. Errors are those of
// [Configuration.VerifyContext], and [ErrProvenance].
func (c Configuration) VerifyProvenance(ctx context.Context, model, attestation string, p ProvenancePolicy) (*Provenance, error) {
	ctx, s := c.trace(ctx)
	r, err := c.verifyProvenance(ctx, model, attestation, p)
	s.End(err)
	if err != nil {
		return nil, fmt.Errorf("verifying provenance of %s: %w", model, err)
	}
	return r, nil
}

func (c Configuration) verifyProvenance(ctx context.Context, model, attestation string, p ProvenancePolicy) (*Provenance, error) {
	if err := errors.Join(c.ready(), p.check()); err != nil {
		return nil, err
	}
	bundles, err := bundle.ReadAllFile(attestation, c.bundleLimit())
	if err != nil {
		return nil, err
	}
	var errs []error
	var cache reports
	for _, b := range bundles {
		r, err := c.openProvenance(ctx, b, p)
		if err != nil && len(bundles) == 1 {
			err = fmt.Errorf("%s: %w", attestation, err)
		} else if err == nil {
			err = c.compareProvenance(ctx, r, model, attestation, p, &cache)
		}
		if err == nil {
			return r, nil
		}
		if ctx.Err() != nil || len(bundles) == 1 {
			return nil, err
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("%s: %w", attestation, &noneError{errs})
}

// A noneError says why none of several bundles will do.
type noneError struct{ errs []error }

func (e *noneError) Unwrap() []error { return e.errs }

func (e *noneError) Error() string {
	var texts []string
	for _, err := range e.errs {
		if text := err.Error(); !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	more := ""
	if len(texts) > shown {
		texts, more = texts[:shown], "; …"
	}
	return fmt.Sprintf("none of %d bundles will do: %s%s", len(e.errs), strings.Join(texts, "; "), more)
}

// OpenProvenance checks the signature of provenance and what it says, and reads no model. The lists of files in the
// result are empty.
func (c Configuration) OpenProvenance(ctx context.Context, b *bundle.Bundle, p ProvenancePolicy) (*Provenance, error) {
	ctx, s := c.trace(ctx)
	r, err := c.openProvenance(ctx, b, p)
	s.End(err)
	if err != nil {
		return nil, fmt.Errorf("verifying provenance: %w", err)
	}
	return r, nil
}

func (c Configuration) openProvenance(ctx context.Context, b *bundle.Bundle, p ProvenancePolicy) (*Provenance, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	statement, signer, err := c.openStatement(ctx, b)
	if err != nil {
		return nil, err
	}
	s, err := provenance.Parse(statement)
	if err != nil {
		return nil, err
	}
	r := &Provenance{Statement: s, Signer: signer, Manifest: s.Manifest}
	if err := r.claim(); err != nil {
		return nil, err
	}
	if err := p.match(r); err != nil {
		return nil, err
	}
	r.Level = r.level()
	if r.Manifest == nil {
		r.Manifest, err = listed(s.Subjects)
	}
	return r, err
}
