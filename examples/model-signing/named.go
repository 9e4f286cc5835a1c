package main

import (
	"fmt"

	"github.com/modelsigning/modelsigning/bundle"
)

// namedSignature adds the name of the file to an error about a signature, which the library names while it reads the
// file, and not when the bundle in it is refused.
func namedSignature(file string, err error) error {
	return named(file, err, func() error {
		_, err := bundle.ReadFile(file)
		return err
	})
}

// namedProvenance is namedSignature for files of provenance.
func namedProvenance(file string, err error) error {
	return named(file, err, func() error {
		_, err := bundle.ReadAllFile(file, bundle.MaxSize)
		return err
	})
}

func named(file string, err error, read func() error) error {
	switch kindOf(err).name {
	case "malformed":
		if read() != nil { // which is then what was said
			return err
		}
	case "method", "identity", "certificate", "timestamp", "log", "signature":
	default:
		return err
	}
	return fmt.Errorf("%s: %w", file, err)
}

// A malformedError is bundle.ErrMalformed in other words, where its own would mislead.
type malformedError struct{ error }

func (malformedError) Is(target error) bool { return target == bundle.ErrMalformed }

// withoutSentinel returns what is wrong without the first words of an error of package bundle, which are that it is a
// signature.
func withoutSentinel(err error) error {
	if all, ok := err.(interface{ Unwrap() []error }); ok && len(all.Unwrap()) == 2 {
		return all.Unwrap()[1]
	}
	return err
}
