package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

const (
	exitRejected = 1 // the model or its signature
	exitUsage    = 2
	exitFailed   = 3 // something could not be read, written or reached
	exitUnknown  = 4 // whether a model is affected

	// For those who run many jobs.
	exitTreeChanged = 5 // the model changed between them: no more tries
	exitIncomplete  = 6 // parts are missing: more tries
)

// A usageError is the caller's fault.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// A kind is what an error comes down to for a program: a word for JSON, and an exit code.
type kind struct {
	name string
	exit int
}

// kinds are the errors that can be told apart, in the order in which they are asked for: a certificate may not be trusted
// because of a timestamp, and the errors of package hashing come in a *fs.PathError.
var kinds = []struct {
	is func(error) bool
	kind
}{
	{as[usageError], kind{"usage", exitUsage}},
	{as[*hashing.ConflictError], kind{"conflict", exitUsage}},
	{as[*verifying.PatternError], kind{"pattern", exitUsage}},
	{isTarget, kind{"target", exitUsage}},
	{is(signing.ErrCertificate), kind{"signing_certificate", exitUsage}},
	{is(signing.ErrNoKey), kind{"signing_key", exitUsage}},
	{is(signing.ErrNoPIN), kind{"no_pin", exitUsage}},
	{is(signing.ErrPIN), kind{"pin", exitUsage}}, // another try would bring the token nearer to locking itself
	{as[*verifying.ThresholdError], kind{"threshold", exitRejected}},
	{is(verifying.ErrProvenance), kind{"provenance", exitRejected}},
	{isIncomplete, kind{"incomplete", exitIncomplete}},
	{isTreeChanged, kind{"tree_changed", exitTreeChanged}},
	{isBadPart, kind{"part", exitRejected}},
	{isRecheck, kind{"recheck", exitRejected}},
	{is(bundle.ErrMalformed), kind{"malformed", exitRejected}},
	{is(verifying.ErrMethod), kind{"method", exitRejected}},
	{is(verifying.ErrIdentity), kind{"identity", exitRejected}},
	{is(verifying.ErrTimestamp), kind{"timestamp", exitRejected}},
	{is(verifying.ErrCertificate), kind{"certificate", exitRejected}},
	{is(verifying.ErrLog), kind{"log", exitRejected}},
	{is(verifying.ErrSignature), kind{"signature", exitRejected}},
	{as[*verifying.MismatchError], kind{"mismatch", exitRejected}},
	{is(hashing.ErrCache), kind{"digest_cache", exitFailed}},
	{as[*hashing.RehashError], kind{"rehash", exitRejected}},
	{is(hashing.ErrSymlink), kind{"symlink", exitRejected}},
	{is(hashing.ErrNotRegular), kind{"not_regular", exitRejected}},
	{is(hashing.ErrEmptyModel), kind{"empty_model", exitRejected}},
	{is(hashing.ErrName), kind{"name", exitRejected}},
	{is(hashing.ErrTooMany), kind{"too_many", exitRejected}},
	{is(hashing.ErrChanged), kind{"changed", exitRejected}},
	{is(context.Canceled), kind{"canceled", exitFailed}},
	{is(fs.ErrNotExist), kind{"not_found", exitFailed}},
	{is(fs.ErrPermission), kind{"permission", exitFailed}},
	{as[*fs.PathError], kind{"io", exitFailed}},
}

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func as[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

func isTarget(err error) bool {
	return errors.Is(err, signing.ErrTarget) || errors.Is(err, verifying.ErrTarget)
}

func kindOf(err error) kind {
	var t *verifying.ThresholdError
	if errors.As(err, &t) {
		if unread := undecided(t); unread != nil {
			return kindOf(unread)
		}
	}
	for _, k := range kinds {
		if k.is(err) {
			return k.kind
		}
	}
	return kind{"failed", exitFailed}
}

// undecided returns the first reason why nobody knows if a threshold would have been reached: it is not known what
// signatures would have said that could not be read or looked at, and they may have made up the number.
func undecided(t *verifying.ThresholdError) (first error) {
	n, counted := t.Got, map[string]bool{}
	for _, s := range t.Signatures {
		// Not all other errors tell: those of signatures that were not compared with the model have no type, and count in Got.
		if (as[*fs.PathError](s.Err) || as[net.Error](s.Err)) && kindOf(s.Err).exit == exitFailed && !counted[s.Name] {
			n++
			counted[s.Name] = true
			if first == nil {
				first = s.Err
			}
		}
	}
	if n < t.Want {
		return nil
	}
	return first
}

func exitCode(err error) int {
	var a *answered
	if errors.As(err, &a) {
		return a.exitCode()
	}
	return kindOf(err).exit
}

// A failure is an error as JSON.
type failure struct {
	Kind     string `json:"kind"`
	ExitCode int    `json:"exit_code"`
	Message  string `json:"message"`
	// Path is the file that it is about, where the error names one.
	Path     string    `json:"path,omitempty"`
	Mismatch *mismatch `json:"mismatch,omitempty"`
	Conflict *conflict `json:"conflict,omitempty"`
	// MissingSlices are those that there is no part of.
	MissingSlices []int `json:"missing_slices,omitempty"`
}

type mismatch struct {
	Model   string   `json:"model"`
	Changed []change `json:"changed"`
	Missing []string `json:"missing"`
	Extra   []string `json:"extra"`
	// LFSPointers are files that git lfs pull would fetch.
	LFSPointers []string `json:"lfs_pointers,omitempty"`
}

type change struct {
	Name string `json:"name"`
	Want string `json:"want"`
	Got  string `json:"got"`
}

type conflict struct {
	Field      string `json:"field"`
	Signed     string `json:"signed"`
	Configured string `json:"configured"`
}

func newFailure(err error) failure {
	k := kindOf(err)
	f := failure{Kind: k.name, ExitCode: k.exit, Message: err.Error()}
	var path *fs.PathError
	if errors.As(err, &path) {
		f.Path = path.Path
	}
	var m *verifying.MismatchError
	if errors.As(err, &m) {
		f.Mismatch = &mismatch{m.Model, changes(m.Changed), list(m.Missing), list(m.Extra), m.Pointers}
	}
	var r *hashing.RecheckError
	if errors.As(err, &r) {
		f.Mismatch = &mismatch{r.Model, changes(r.Changed), list(r.Missing), list(r.Extra), nil}
	}
	var s *manifest.MissingSlicesError
	if errors.As(err, &s) {
		f.MissingSlices = s.Missing
	}
	var c *hashing.ConflictError
	if errors.As(err, &c) {
		f.Conflict = &conflict{c.Field, fmt.Sprint(c.Signed), fmt.Sprint(c.Configured)}
	}
	return f
}

func changes(cs []manifest.Change) []change {
	all := make([]change, len(cs))
	for i, c := range cs {
		all[i] = change{c.Name, c.Want.String(), c.Got.String()}
	}
	return all
}

// list keeps an empty list from being null in JSON.
func list(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}
