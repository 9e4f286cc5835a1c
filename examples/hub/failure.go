package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"syscall"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/verifying"
)

// A refusal is the hub's own reason to refuse a request.
type refusal struct {
	status     int
	kind, text string
}

func (r *refusal) Error() string { return r.text }

// failures are the errors of the library and what a client gets to know of them, in the order to ask for them.
var failures = []struct {
	err    error
	status int
	kind   string
}{
	{bundle.ErrMalformed, http.StatusBadRequest, "malformed"},
	{verifying.ErrMethod, http.StatusForbidden, "method"},
	{verifying.ErrIdentity, http.StatusForbidden, "identity"},
	{verifying.ErrTimestamp, http.StatusForbidden, "timestamp"},
	{verifying.ErrCertificate, http.StatusForbidden, "certificate"},
	{verifying.ErrLog, http.StatusForbidden, "log"},
	{verifying.ErrSignature, http.StatusForbidden, "signature"},
	{hashing.ErrName, http.StatusBadRequest, "name"},
	{hashing.ErrTooMany, http.StatusRequestEntityTooLarge, "too_many"},
	{hashing.ErrIncomplete, http.StatusConflict, "incomplete"},
	{os.ErrDeadlineExceeded, http.StatusRequestTimeout, "stalled"},
	{context.DeadlineExceeded, http.StatusGone, "expired"},
	{context.Canceled, http.StatusGone, "ended"},
	{io.ErrUnexpectedEOF, http.StatusBadRequest, "cut"},
	{fs.ErrExist, http.StatusConflict, "exists"},
	{fs.ErrNotExist, http.StatusNotFound, "not_found"},
	{syscall.ENOTDIR, http.StatusNotFound, "not_found"},
	{syscall.ENAMETOOLONG, http.StatusBadRequest, "name"},
	{syscall.ENOSPC, http.StatusInsufficientStorage, "full"},
}

// A failure is what a client gets to know of an error.
type failure struct {
	Kind     string    `json:"kind"`
	Message  string    `json:"message"`
	Mismatch *mismatch `json:"mismatch,omitempty"`
}

// A mismatch has the names of the first few files that differ.
type mismatch struct {
	Changed []string `json:"changed"`
	Missing []string `json:"missing"`
	Extra   []string `json:"extra"`
}

const shown = 20

func newMismatch(d manifest.Diff) *mismatch {
	changed := make([]string, len(d.Changed))
	for i, c := range d.Changed {
		changed[i] = c.Name
	}
	return &mismatch{first(changed), first(d.Missing), first(d.Extra)}
}

// first returns the first few, and never nil, which would be null in JSON.
func first(names []string) []string { return append([]string{}, names[:min(shown, len(names))]...) }

// describe returns what a client gets to know. What is the server's own trouble stays with it.
func describe(err error) (status int, f failure) {
	var own *refusal
	var differs *verifying.MismatchError
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &own):
		return own.status, failure{Kind: own.kind, Message: own.text}
	case errors.As(err, &differs):
		return http.StatusUnprocessableEntity, failure{"mismatch", differs.Error(), newMismatch(differs.Diff)}
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge, failure{Kind: "too_large", Message: "the request is too large"}
	}
	for _, known := range failures {
		if errors.Is(err, known.err) {
			return known.status, failure{Kind: known.kind, Message: outside(err)}
		}
	}
	return http.StatusInternalServerError, failure{Kind: "internal", Message: "the server could not do it"}
}

// outside returns what an error says, without directories of the server. Those of models are relative.
func outside(err error) string {
	var path *fs.PathError
	switch {
	case !errors.As(err, &path):
		return err.Error()
	case filepath.IsAbs(path.Path):
		return path.Err.Error()
	}
	return path.Path + ": " + path.Err.Error()
}

// answer writes JSON.
func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the client may have gone
}
