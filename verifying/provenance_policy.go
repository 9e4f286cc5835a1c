package verifying

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/modelsigning/modelsigning/bundle"
)

// check reports what is wrong with the policy itself.
func (p ProvenancePolicy) check() error {
	switch {
	case p.BuilderID == "" && p.SourceURI == "":
		return errors.New("provenance policy: neither BuilderID nor SourceURI is set, so anybody could have built anything")
	case p.SourceURI != "" && p.source() == "":
		return fmt.Errorf("provenance policy: SourceURI: %.200q names no repository", p.SourceURI)
	case p.Branch != "" && p.Tag != "":
		return errors.New("provenance policy: both Branch and Tag are set")
	case strings.HasPrefix(p.Branch+p.Tag, "refs/"):
		return fmt.Errorf("provenance policy: %.200q is no short name of a branch or a tag", p.Branch+p.Tag)
	}
	return nil
}

// match compares the claims with what is expected.
func (p ProvenancePolicy) match(r *Provenance) error {
	certified := r.Signer.Method == bundle.Sigstore
	if p.BuilderID == "" && (!certified || p.AcceptAsserted && !r.Builder.Proven) {
		return &ProvenanceError{Field: "builder", Got: r.Builder.Value, Reason: Unexpected}
	}
	for _, e := range []struct {
		field, want string
		got         Claim
		same        func(want, got string) bool
	}{
		{"builder", p.BuilderID, r.Builder, sameBuilder},
		{"source", p.source(), r.Source, equal},
		{"ref", p.ref(), r.Ref, equal},
		{"commit", p.Commit, r.Commit, equal},
		{"entryPoint", p.EntryPoint, r.EntryPoint, equal},
	} {
		switch {
		case e.want == "":
		case !e.same(e.want, e.got.Value):
			return &ProvenanceError{e.field, e.want, e.got.Value, Unexpected}
		case certified && !e.got.Proven && !p.AcceptAsserted:
			return &ProvenanceError{e.field, e.want, e.got.Value, Unproven}
		}
	}
	if p.SourceURI == "" && r.Source.Proven && otherOwner(r.Builder.Value, r.Source.Value) {
		return &ProvenanceError{Field: "source", Got: r.Source.Value, Reason: Unexpected}
	}
	return p.matchInputs(r.Statement.Build.Inputs)
}

// otherOwner reports whether builder and source lie on one host, and are not of one owner, as the first part of the path
// says. A reusable workflow runs for whoever calls it, from all of the host.
func otherOwner(builder, source string) bool {
	scheme, rest, _ := strings.Cut(source, "://")
	host, path, _ := strings.Cut(rest, "/")
	owner, _, _ := strings.Cut(path, "/")
	path, same := strings.CutPrefix(builder, scheme+"://"+host+"/")
	return same && !strings.HasPrefix(path, owner+"/")
}

func (p ProvenancePolicy) matchInputs(got map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(p.Inputs)) {
		value, ok := got[name]
		if want := p.Inputs[name]; !ok || value != want {
			return &ProvenanceError{"inputs", fmt.Sprintf("%s=%s", name, want), shownInput(name, value, ok), Unexpected}
		}
	}
	return nil
}

func shownInput(name, value string, ok bool) string {
	if !ok {
		return name + " not given"
	}
	return name + "=" + value
}

func equal(want, got string) bool { return want == got }

// releasedTag is a reference that others than the builder's owners can't make, and its owners make once.
var releasedTag = regexp.MustCompile(`^@refs/tags/[^@]+$`)

// sameBuilder compares IDs. One that is expected without a reference may have any tag.
func sameBuilder(want, got string) bool {
	if want == got {
		return true
	}
	rest, ok := strings.CutPrefix(got, want)
	return ok && !strings.Contains(want, "@") && releasedTag.MatchString(rest)
}

func (p ProvenancePolicy) source() string {
	uri := repository(p.SourceURI)
	if uri != "" && !strings.Contains(uri, "://") {
		uri = "https://" + uri
	}
	return uri
}

func (p ProvenancePolicy) ref() string {
	switch {
	case p.Branch != "":
		return "refs/heads/" + p.Branch
	case p.Tag != "":
		return "refs/tags/" + p.Tag
	}
	return ""
}

// generator is the identity of slsa-github-generator's builders. Its releases are tags of semantic versions.
var generator = regexp.MustCompile(`^https://github\.com/slsa-framework/slsa-github-generator/\.github/workflows/[a-z0-9_-]+_slsa3\.yml@refs/tags/v[0-9]+\.[0-9]+\.[0-9]+$`)

// workflowBuildType is that of GitHub's artifact attestations.
const workflowBuildType = "https://actions.github.io/buildtypes/workflow/v1"

// level returns the SLSA build level that the builder is known to earn. It can't be seen from outside whether a reusable
// workflow isolates what it runs, so only those are trusted for more that are known to.
func (r *Provenance) level() int {
	if !r.Builder.Proven || r.Signer.Issuer != gitHub || r.Signer.Extensions.RunnerEnvironment != "github-hosted" {
		return 1
	}
	switch {
	case generator.MatchString(r.Builder.Value):
		return 3
	case r.Statement.BuildType == workflowBuildType:
		return 2
	}
	return 1
}
