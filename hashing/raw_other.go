//go:build !linux

package hashing

import "os"

const (
	hasRawDirs = false
	onlyDir    = 0
)

// A rawDir saves system calls on Linux. Elsewhere there is none.
type rawDir struct{}

func rawDirOf(*os.File, bool) *rawDir { return nil }

const noRawDir = "hashing: there is no rawDir on this system"

func (*rawDir) entries(*folder) ([]localEntry, error) { panic(noRawDir) }
func (*rawDir) stat(string, bool) (status, error)     { panic(noRawDir) }
func (*rawDir) slurp(*file, string, func(int64) []byte) ([]byte, error) {
	panic(noRawDir)
}
