package main

import "github.com/modelsigning/modelsigning/bundle"

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
