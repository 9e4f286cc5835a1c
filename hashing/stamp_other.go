//go:build !unix

package hashing

import (
	"io/fs"
	"os"
)

const nonblock = 0

func leased(error) bool { return false }

// An identity is what [os.SameFile] compares. The zero value is unknown.
type identity struct{ info fs.FileInfo }

func identityOf(info fs.FileInfo) identity {
	if r, ok := info.(renamedInfo); ok {
		info = r.FileInfo
	}
	if os.SameFile(info, info) {
		return identity{info}
	}
	return identity{}
}

func (i identity) known() bool { return i.info != nil }

// same is true as well if either is unknown.
func (i identity) same(o identity) bool {
	return !i.known() || !o.known() || os.SameFile(i.info, o.info)
}

// numbers is false, since a FileInfo is not known any more in the next process.
func (i identity) numbers() (dev, ino uint64, ok bool) { return 0, 0, false }

func changeTime(fs.FileInfo) int64 { return 0 }
