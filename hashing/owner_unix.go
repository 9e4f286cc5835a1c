//go:build unix

package hashing

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// checkOwner sees that nobody else but root can have written the file.
func checkOwner(info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok:
		return errors.New("whose it is cannot be told")
	case st.Uid != 0 && int64(st.Uid) != int64(os.Geteuid()):
		return errors.New("it belongs to another user")
	case info.Mode().Perm()&0o022 != 0:
		return errors.New("others than its owner may write it")
	}
	return nil
}
