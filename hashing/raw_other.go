//go:build !linux

package hashing

import "os"

// A rawDir saves system calls on Linux. Elsewhere there is none.
type rawDir struct{}

func rawDirOf(*os.File, bool) *rawDir { return nil }

const noRawDir = "hashing: there is no rawDir on this system"

func (*rawDir) lstat(string) (status, error)                     { panic(noRawDir) }
func (*rawDir) again(string) (status, error)                     { panic(noRawDir) }
func (*rawDir) slurp(folder, *file, string, []byte) (int, error) { panic(noRawDir) }
