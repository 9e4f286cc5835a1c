package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/modelsigning/modelsigning/internal/atomicfile"
	"github.com/modelsigning/modelsigning/signing"
)

// replaces reports whether what is signed will replace a file. One that its owner has made read-only is not replaced,
// which the directory's permissions would allow.
func replaces(name string) (bool, error) {
	target, err := atomicfile.Find(name)
	if err != nil || target.Old() == nil {
		return false, nil // what is wrong with the place, signing says
	}
	if target.Old().Mode()&0o200 == 0 {
		return false, fmt.Errorf("%s: is read-only, and %w; make it writable, move it away or choose another name", name, signing.ErrTarget)
	}
	return target.Old().Size() > 0, nil
}

// written is what is printed of a file that is there now.
func written(name string, replaced bool) string {
	if replaced {
		return printable(name) + " (replaced)"
	}
	return printable(name)
}

// unwritten says of what was to be signed that a signal came before, and what is in its place.
func unwritten(err error, what, name string, replaced bool) error {
	switch {
	case !errors.Is(err, context.Canceled):
		return err
	case replaced:
		return interruptedError{err, fmt.Sprintf(": no %s was written, and the old one stands: %s", what, name)}
	}
	return interruptedError{err, fmt.Sprintf(": no %s was written", what)}
}
