//go:build unix

package hashing

import (
	"errors"
	"io/fs"
	"syscall"
)

const nonblock = syscall.O_NONBLOCK

// leased reports whether opening without waiting says that another program has a lease on the file.
func leased(err error) bool { return errors.Is(err, syscall.EAGAIN) }

// An identity is a file's device and inode: what [os.SameFile] compares, without the rest of a FileInfo, since
// there may be millions. The zero value is unknown.
type identity struct{ dev, ino uint64 }

func identityOf(info fs.FileInfo) identity {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return identity{uint64(st.Dev), uint64(st.Ino)}
	}
	return identity{}
}

func (i identity) known() bool { return i != identity{} }

// same is true as well if either is unknown.
func (i identity) same(o identity) bool { return i == o || !i.known() || !o.known() }

// numbers returns what tells the file from all others of the system.
func (i identity) numbers() (dev, ino uint64, ok bool) { return i.dev, i.ino, i.known() }

func changeTime(info fs.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return ctimeOf(st)
	}
	return 0
}
