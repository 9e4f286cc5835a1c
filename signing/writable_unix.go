//go:build unix

package signing

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// checkWritable asks without leaving a trace: a file made to try it out could be in the model that somebody
// else is hashing.
func checkWritable(dir string) error {
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		return &fs.PathError{Op: "write to", Path: dir, Err: err}
	}
	return nil
}
