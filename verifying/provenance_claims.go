package verifying

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/modelsigning/modelsigning/bundle"
)

// A ProvenanceError says what of provenance is not accepted. It wraps [ErrProvenance].
type ProvenanceError struct {
	// Field is one of builder, source, ref, commit, entryPoint, trigger, invocation and inputs.
	Field string
	// Want is what is expected, or what the certificate says; Got is what the provenance says.
	Want, Got string
	Reason    ProvenanceReason
}

// A ProvenanceReason says why provenance is not accepted.
type ProvenanceReason string

const (
	Unexpected   ProvenanceReason = "unexpected"   // it is not what the policy expects
	Contradicted ProvenanceReason = "contradicted" // it is not what the signer's certificate says
	Unproven     ProvenanceReason = "unproven"     // nothing proves it, and the policy asks for it
)

func (e *ProvenanceError) Unwrap() error { return ErrProvenance }

func (e *ProvenanceError) Error() string {
	switch e.Reason {
	case Contradicted:
		return fmt.Sprintf("%v: %s: it says %.300q, and the signer's certificate %.300q", ErrProvenance, e.Field, e.Got, e.Want)
	case Unproven:
		return fmt.Sprintf("%v: %s: it says %.300q, which the signer's certificate does not prove", ErrProvenance, e.Field, e.Got)
	}
	if e.Want == "" && e.Field == "source" {
		return fmt.Sprintf("%v: source: is %.300q, and none is expected: what builds for others builds for anybody", ErrProvenance, e.Got)
	}
	if e.Want == "" {
		return fmt.Sprintf("%v: %s: is %.300q, and none is expected: what is not proven by Sigstore needs an expected one", ErrProvenance, e.Field, e.Got)
	}
	return fmt.Sprintf("%v: %s: is %.300q, not %.300q", ErrProvenance, e.Field, e.Got, e.Want)
}

// facts are what Sigstore's certificate proves of a build. What is empty is not proven.
type facts struct{ builder, source, ref, commit, entryPoint, trigger, invocation string }

// gitHub is the OpenID provider of GitHub Actions, whose certificates once had extensions of their own.
const gitHub = "https://token.actions.githubusercontent.com"

func proven(who Identity) (f facts) {
	if who.Method != bundle.Sigstore {
		return f
	}
	e := who.Extensions
	f = facts{
		builder: e.BuildSignerURI, source: e.SourceRepositoryURI, ref: e.SourceRepositoryRef,
		commit: e.SourceRepositoryDigest, trigger: e.BuildTrigger, invocation: e.RunInvocationURI,
	}
	if who.Issuer == gitHub {
		f.ref = cmp.Or(f.ref, e.GithubWorkflowRef)
		f.commit = cmp.Or(f.commit, e.GithubWorkflowSHA)
		f.trigger = cmp.Or(f.trigger, e.GithubWorkflowTrigger)
		if f.source == "" && e.GithubWorkflowRepository != "" {
			f.source = "https://github.com/" + e.GithubWorkflowRepository
		}
	}
	if f.builder == "" && strings.Contains(who.Subject, "://") {
		f.builder = who.Subject
	}
	// The configuration is where the source is: https://github.com/example/finbert/.github/workflows/train.yml@refs/heads/main.
	path, ok := strings.CutPrefix(e.BuildConfigURI, f.source+"/")
	if at := strings.LastIndex(path, "@refs/"); ok && at >= 0 && f.source != "" {
		f.entryPoint = strings.TrimLeft(path[:at], "/")
	}
	return f
}

// claim puts together what the statement says and what the certificate proves, which must not contradict each other.
func (r *Provenance) claim() error {
	f, b := proven(r.Signer), r.Statement.Build
	for _, c := range []struct {
		field        string
		claim        *Claim
		said, proven string
	}{
		{"builder", &r.Builder, b.Builder.ID, f.builder},
		{"source", &r.Source, repository(b.Source.URI), repository(f.source)},
		{"ref", &r.Ref, b.Source.Ref, f.ref},
		{"commit", &r.Commit, b.Source.Commit, f.commit},
		{"entryPoint", &r.EntryPoint, b.EntryPoint, f.entryPoint},
		{"trigger", &r.Trigger, b.Trigger, f.trigger},
		{"invocation", &r.Invocation, invocation(b.InvocationID, f), f.invocation},
	} {
		if c.said != "" && c.proven != "" && c.said != c.proven {
			return &ProvenanceError{c.field, c.proven, c.said, Contradicted}
		}
		*c.claim = Claim{cmp.Or(c.proven, c.said), c.proven != ""}
	}
	return nil
}

// repository returns the URL of a repository in one spelling.
func repository(uri string) string {
	return strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(uri, "git+"), "/"), ".git")
}

// runAttempt is how slsa-github-generator names a run of GitHub Actions.
var runAttempt = regexp.MustCompile(`^([0-9]{1,20})-([0-9]{1,9})$`)

// invocation returns the name of a run as certificates have it.
func invocation(said string, f facts) string {
	if m := runAttempt.FindStringSubmatch(said); m != nil && f.invocation != "" {
		return repository(f.source) + "/actions/runs/" + m[1] + "/attempts/" + m[2]
	}
	return said
}
