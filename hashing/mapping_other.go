//go:build !linux

package hashing

import (
	"errors"
	"os"
)

// A space is there on Linux only. Elsewhere it is nil.
type space struct{}

func mappable(*os.File) bool { return false }

func newSpace(int, int64) *space { return nil }

func (*space) need(int, int64) {}

func (*space) load(*os.File, int64, int64) ([]byte, error) { return nil, errors.ErrUnsupported }

func (*space) drop() {}

func holds([]byte, uintptr) bool { return false }
