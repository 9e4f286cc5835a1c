//go:build !linux

package hashing

import (
	"errors"
	"os"
)

// A mapping is never there except on Linux.
type mapping struct{}

func mappable(*os.File) bool { return false }

func (*mapping) load(*os.File, int64, int64, int64) ([]byte, error) {
	return nil, errors.ErrUnsupported
}
func (*mapping) drop()              {}
func (*mapping) holds(uintptr) bool { return false }
