package hashing

import (
	"errors"
	"io/fs"
)

// A stamp is what tells that a file is still the one that was listed, with the content it had.
type stamp struct {
	size, mtime int64
	id          identity
	ctime       int64 // 0 if the system does not tell; it changes with names and modes, too
}

func stampOf(info fs.FileInfo) stamp {
	return stamp{info.Size(), info.ModTime().UnixNano(), identityOf(info), changeTime(info)}
}

// unseen is the stamp of a file that was not looked at yet.
var unseen = stamp{size: -1}

// errSize is about what a file system says.
var errSize = errors.New("size is negative")

func (s stamp) seen() bool { return s.size >= 0 }

func (s stamp) same(o stamp) bool {
	return s.size == o.size && s.mtime == o.mtime && s.id.same(o.id)
}

// A status is what a file is, and its stamp. Of the mode only the type counts.
type status struct {
	stamp
	mode fs.FileMode
}

func statusOf(info fs.FileInfo) status { return status{stampOf(info), info.Mode().Type()} }
