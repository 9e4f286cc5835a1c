package hashing

import (
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// A localEntry is an entry of a directory of the system's.
type localEntry struct {
	in   *folder
	path string // in the model
	base int    // where the name begins
	kind kind
}

// A kind is what a directory says of an entry. Not all file systems say it.
type kind int8

const (
	unknown kind = iota // or neither of those below
	regular
	directory
)

func (e *localEntry) Name() string { return e.path[e.base:] }
func (e *localEntry) IsDir() bool  { return e.Type().IsDir() }

func (e *localEntry) Info() (fs.FileInfo, error) {
	return fs.Lstat(e.in.fsys, path.Join(e.in.path, e.Name()))
}

// Type is irregular where the system can't tell.
func (e *localEntry) Type() fs.FileMode {
	switch e.kind {
	case regular:
		return 0
	case directory:
		return fs.ModeDir
	}
	info, err := e.Info()
	if err != nil {
		return fs.ModeIrregular
	}
	return info.Mode().Type()
}

// direntsSize is how much of a directory is read at once: several hundred entries.
const direntsSize = 16 << 10

// A listing is the memory that directories of the system's are read into, one after the other. Only the paths are new
// each time: they are pieces of one string, since there may be millions.
type listing struct {
	in      *folder
	prefix  string            // of the paths
	raw     [direntsSize]byte // what the system says, where there are raw directories
	paths   []byte            // one after the other
	ends    []int             // in paths
	local   []localEntry
	entries []fs.DirEntry
}

// next returns the next entries of a directory, whose path in the model is at, until the next call. They are sorted.
func (l *listing) next(in *folder, at string) (entries []fs.DirEntry, err error) {
	l.in, l.prefix = in, below(at, "")
	l.paths, l.ends, l.local, l.entries = l.paths[:0], l.ends[:0], l.local[:0], l.entries[:0]
	if in.raw != nil {
		err = in.raw.entries(l)
	} else {
		err = l.names()
	}
	l.cut()
	for i := range l.local {
		l.entries = append(l.entries, &l.local[i])
	}
	slices.SortFunc(l.entries, func(a, b fs.DirEntry) int {
		return strings.Compare(a.(*localEntry).Name(), b.(*localEntry).Name())
	})
	return l.entries, err
}

// names leaves it to the caller to ask for more than the names, which os.File.ReadDir does for all entries of what was
// opened through an [os.Root].
func (l *listing) names() error {
	names, err := l.in.dir.(*os.File).Readdirnames(1000)
	for _, name := range names {
		l.add([]byte(name), unknown)
	}
	return err
}

// add adds an entry that has no path until cut.
func (l *listing) add(name []byte, k kind) {
	l.paths = append(append(l.paths, l.prefix...), name...)
	l.ends = append(l.ends, len(l.paths))
	l.local = append(l.local, localEntry{in: l.in, base: len(l.prefix), kind: k})
}

// cut gives the entries their paths.
func (l *listing) cut() {
	all, start := string(l.paths), 0
	for i, end := range l.ends {
		l.local[i].path, start = all[start:end], end
	}
}
