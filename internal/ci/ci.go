// Package ci reads from the environment of a build what provenance says about it: where it runs, and from which source.
// It knows GitHub Actions, GitLab CI, Google Cloud Build, Buildkite and Tekton.
//
// Its functions depend on nothing but the environment that they are given, and read only variables that [Variables]
// lists, none of which is meant to hold a secret. URLs lose users, passwords, queries and fragments, since some systems
// put tokens there. A value that is not what it should be is an error, which names the variable and not the value.
//
// The environment is what the build itself says: a job that can change its variables can write what it likes. What is
// proven is what a certificate says, too.
package ci

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A System is a system for continuous integration, by the name that Read takes.
type System string

const (
	GitHub     System = "github"
	GitLab     System = "gitlab"
	CloudBuild System = "cloudbuild"
	Buildkite  System = "buildkite"
	Tekton     System = "tekton"
)

// Systems returns all systems.
func Systems() []System { return []System{GitHub, GitLab, CloudBuild, Buildkite, Tekton} }

// A Build is what the environment says. Fields that it does not have are empty.
type Build struct {
	BuilderID    string // a URI: who vouches for the build; that of a Sigstore certificate's subject where there is one
	InvocationID string // a URI, or a name: this run of the build
	Started      time.Time
	Source       Source
	EntryPoint   string // what is run: the path of a workflow, the name of a pipeline
	Event        string // what caused the run, in the system's own words
}

// A Source is a revision of a repository.
type Source struct {
	URI    string // of the repository, without credentials
	Ref    string // in full: refs/heads/main, refs/tags/v1
	Commit string // in hexadecimal, 40 or 64 digits
}

// maxValue is how many bytes a value may have.
const maxValue = 2048

// An Error says which variable is wrong.
type Error struct{ Variable, Msg string }

func (e *Error) Error() string { return "environment variable " + e.Variable + " " + e.Msg }

// environment reads variables, and keeps the first error.
type environment struct {
	get     func(string) string
	allowed []string
	err     error
}

func (e *environment) fail(name, format string, args ...any) string {
	if e.err == nil {
		e.err = &Error{name, fmt.Sprintf(format, args...)}
	}
	return ""
}

// value returns a variable that may be absent. One that holds a URL where none belongs is as good as absent.
func (e *environment) value(name string) string {
	v := e.raw(name)
	if strings.Contains(v, "://") {
		return ""
	}
	return v
}

func (e *environment) raw(name string) string {
	if !slices.Contains(e.allowed, name) {
		panic("ci: " + name + " is not in the list of variables")
	}
	v := e.get(name)
	if len(v) > maxValue {
		return e.fail(name, "has more than %d bytes", maxValue)
	}
	for _, c := range []byte(v) {
		if c < ' ' || c == 0x7f {
			return e.fail(name, "has control characters")
		}
	}
	return strings.ToValidUTF8(v, "\ufffd")
}

// need returns a variable without which there is no provenance.
func (e *environment) need(name string) string {
	v := e.value(name)
	if v == "" {
		e.fail(name, "is not set")
	}
	return v
}

// first returns the first of some variables that is set.
func (e *environment) first(names ...string) string {
	for _, name := range names {
		if v := e.value(name); v != "" {
			return v
		}
	}
	return ""
}

// commit returns a variable that holds the name of a commit. "HEAD" and short forms name no content.
func (e *environment) commit(name string) string {
	v := strings.ToLower(e.value(name))
	if v == "" {
		return ""
	}
	if len(v) != 40 && len(v) != 64 || strings.Trim(v, "0123456789abcdef") != "" {
		return e.fail(name, "is not the full name of a commit, in hexadecimal")
	}
	return v
}

// url returns a variable that holds a URL, or git's short form of one, host:path. Nothing of it is kept that can be a
// secret.
func (e *environment) url(name string) string {
	v := e.raw(name)
	if v == "" {
		return ""
	}
	if !strings.Contains(v, "://") {
		host, path, ok := strings.Cut(v[strings.LastIndex(v, "@")+1:], ":")
		if !ok || host == "" || strings.Contains(host, "/") {
			return e.fail(name, "is not a URL")
		}
		v = "ssh://" + host + "/" + strings.TrimPrefix(path, "/")
	}
	u, err := url.Parse(v)
	if err != nil || u.Host == "" || !slices.Contains([]string{"https", "http", "ssh", "git"}, u.Scheme) {
		return e.fail(name, "is not a URL")
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

// time returns a variable that holds a time, in UTC.
func (e *environment) time(name string) time.Time {
	v := e.value(name)
	if v == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, v)
	if err != nil {
		e.fail(name, "is not a time of RFC 3339")
	}
	return t.UTC()
}

// ref writes a branch or a tag in full.
func ref(tag, branch string) string {
	switch {
	case tag != "":
		return "refs/tags/" + tag
	case branch == "" || strings.HasPrefix(branch, "refs/"):
		return branch
	}
	return "refs/heads/" + branch
}
