package main

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

const (
	exitRejected = 1 // the model or its signature
	exitUsage    = 2
	exitFailed   = 3 // something could not be read, written or reached
)

// A usageError is the caller's fault.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func exitCode(err error) int {
	var usage usageError
	var conflict *hashing.ConflictError
	var mismatch *verifying.MismatchError
	switch {
	case errors.As(err, &usage), errors.As(err, &conflict), isAny(err, signing.ErrTarget, signing.ErrCertificate):
		return exitUsage
	case errors.As(err, &mismatch), isAny(err, bundle.ErrMalformed, verifying.ErrSignature, verifying.ErrIdentity,
		verifying.ErrCertificate, verifying.ErrMethod, verifying.ErrTimestamp, verifying.ErrLog, hashing.ErrSymlink, hashing.ErrNotRegular,
		hashing.ErrEmptyModel, hashing.ErrName, hashing.ErrChanged, hashing.ErrTooMany):
		return exitRejected
	}
	return exitFailed
}

func isAny(err error, targets ...error) bool {
	for _, t := range targets {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}

// printable keeps names that a stranger chose from writing anything but one line of text to the terminal.
func printable(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 || !strconv.IsPrint(r) {
			q := strconv.QuoteToASCII(s[:n])
			b.WriteString(q[1 : len(q)-1])
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}
