package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

// The kind and the exit code of each error that can be made here, inside of what says what was being done.
func TestKinds(t *testing.T) {
	for _, c := range []struct {
		err  error
		kind string
		exit int
	}{
		{usageError{io.EOF}, "usage", 2},
		{&hashing.ConflictError{}, "conflict", 2},
		{&verifying.PatternError{}, "pattern", 2},
		{signing.ErrTarget, "target", 2},
		{verifying.ErrTarget, "target", 2},
		{signing.ErrCertificate, "signing_certificate", 2},
		{signing.ErrNoKey, "signing_key", 2},
		{signing.ErrNoPIN, "no_pin", 2},
		{signing.ErrPIN, "pin", 2},
		{&verifying.ThresholdError{Want: 2}, "threshold", 1},
		{verifying.ErrProvenance, "provenance", 1},
		{bundle.ErrMalformed, "malformed", 1},
		{verifying.ErrMethod, "method", 1},
		{verifying.ErrIdentity, "identity", 1},
		{verifying.ErrTimestamp, "timestamp", 1},
		{verifying.ErrCertificate, "certificate", 1},
		{verifying.ErrLog, "log", 1},
		{verifying.ErrSignature, "signature", 1},
		{&verifying.MismatchError{}, "mismatch", 1},
		{hashing.ErrCache, "digest_cache", 3},
		{&hashing.RehashError{}, "rehash", 1},
		{&fs.PathError{Err: hashing.ErrSymlink}, "symlink", 1},
		{&fs.PathError{Err: hashing.ErrNotRegular}, "not_regular", 1},
		{&fs.PathError{Err: hashing.ErrEmptyModel}, "empty_model", 1},
		{&fs.PathError{Err: hashing.ErrName}, "name", 1},
		{hashing.ErrTooMany, "too_many", 1},
		{&fs.PathError{Err: hashing.ErrChanged}, "changed", 1},
		{context.Canceled, "canceled", 3},
		{interrupted(context.Canceled), "canceled", 3},
		{&fs.PathError{Err: fs.ErrNotExist}, "not_found", 3},
		{&fs.PathError{Err: fs.ErrPermission}, "permission", 3},
		{&fs.PathError{Err: io.EOF}, "io", 3},
		{io.EOF, "failed", 3},
	} {
		err := fmt.Errorf("verifying model: %w", c.err)
		if got, want := kindOf(err), (kind{c.kind, c.exit}); got != want || exitCode(err) != c.exit {
			t.Errorf("%v: got %v, want %v", err, got, want)
		}
	}
}

// A bad option that is of a kind of its own keeps it. All others are wrong usage, but for files that can't be read.
func TestUsageUnlessUnread(t *testing.T) {
	for err, want := range map[error]kind{
		errors.New("bad"):                         {"usage", 2},
		signing.ErrCertificate:                    {"signing_certificate", 2},
		verifying.ErrCertificate:                  {"usage", 2},
		&fs.PathError{Err: fs.ErrNotExist}:        {"not_found", 3},
		&fs.PathError{Err: hashing.ErrNotRegular}: {"not_regular", 1},
	} {
		if got := kindOf(usageUnlessUnread(err)); got != want {
			t.Errorf("%v: got %v, want %v", err, got, want)
		}
	}
}

type unreached struct{ error }

func (unreached) Timeout() bool   { return true }
func (unreached) Temporary() bool { return true }

// A threshold that what could not be read or reached may have reached is not known to be missed.
func TestUndecided(t *testing.T) {
	missing, denied := &fs.PathError{Err: fs.ErrNotExist}, &fs.PathError{Err: fs.ErrPermission}
	uncompared := errors.New("signed by somebody, and not compared")
	for i, c := range []struct {
		want, got int
		errs      []error
		kind      kind
	}{
		{2, 1, []error{uncompared, missing}, kind{"not_found", 3}},
		{2, 1, []error{uncompared, verifying.ErrSignature, denied}, kind{"permission", 3}},
		{2, 0, []error{missing, unreached{io.EOF}}, kind{"not_found", 3}},
		{1, 0, []error{unreached{io.EOF}}, kind{"failed", 3}},
		{3, 1, []error{uncompared, uncompared, missing}, kind{"threshold", 1}},
		{2, 1, []error{uncompared, uncompared, bundle.ErrMalformed}, kind{"threshold", 1}},
		{2, 1, []error{nil, &fs.PathError{Err: hashing.ErrSymlink}}, kind{"threshold", 1}},
	} {
		e := &verifying.ThresholdError{Want: c.want, Got: c.got}
		for i, err := range c.errs {
			e.Signatures = append(e.Signatures, verifying.SignatureResult{Name: fmt.Sprint(i), Err: err})
		}
		if got := kindOf(fmt.Errorf("verifying model: %w", e)); got != c.kind {
			t.Errorf("%d: got %v, want %v", i, got, c.kind)
		}
	}
	twice := verifying.SignatureResult{Name: "a.sig", Err: missing}
	once := &verifying.ThresholdError{Want: 2, Signatures: []verifying.SignatureResult{twice, twice}}
	if got := kindOf(once); got != (kind{"threshold", 1}) {
		t.Errorf("one file that is named twice: got %v", got)
	}
}
