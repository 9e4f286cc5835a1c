//go:build !linux

package hashing

import (
	"io/fs"
	"os"
)

const hasRawDirs = false

// A rawDir saves system calls on Linux. Elsewhere there is none.
type rawDir struct{}

// noRawDir is what a mistake in this package panics with: where hasRawDirs is false, nothing makes or asks a rawDir.
const noRawDir = "hashing: there is no rawDir on this system"

func openRawDir(fs.FS, *os.File, string, bool) (*rawDir, error) { panic(noRawDir) }

func (*rawDir) startGlances(identity)             { panic(noRawDir) }
func (*rawDir) close()                            { panic(noRawDir) }
func (*rawDir) status() (status, error)           { panic(noRawDir) }
func (*rawDir) entries(*listing) error            { panic(noRawDir) }
func (*rawDir) stat(string, bool) (status, error) { panic(noRawDir) }
func (*rawDir) slurp(*file, string, func(int64) []byte) ([]byte, error) {
	panic(noRawDir)
}
