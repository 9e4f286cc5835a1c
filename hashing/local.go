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
	name string
	kind kind
}

// A kind is what a directory says of an entry. Not all file systems say it.
type kind int8

const (
	unknown kind = iota // or neither of those below
	regular
	directory
)

func (e *localEntry) Name() string { return e.name }
func (e *localEntry) IsDir() bool  { return e.Type().IsDir() }

func (e *localEntry) Info() (fs.FileInfo, error) {
	return fs.Lstat(e.in.fsys, path.Join(e.in.path, e.name))
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

// local is folder.entries for a directory of the system's.
func (f *folder) local() ([]fs.DirEntry, error) {
	var all []localEntry
	var err error
	if f.raw != nil {
		all, err = f.raw.entries(f)
	} else {
		all, err = f.names()
	}
	slices.SortFunc(all, func(a, b localEntry) int { return strings.Compare(a.name, b.name) })
	entries := make([]fs.DirEntry, len(all))
	for i := range all {
		entries[i] = &all[i]
	}
	return entries, err
}

// names leaves it to the caller to ask for more than the names, which os.File.ReadDir does for all entries of what was
// opened through an [os.Root].
func (f *folder) names() ([]localEntry, error) {
	names, err := f.dir.(*os.File).Readdirnames(1000)
	all := make([]localEntry, len(names))
	for i, name := range names {
		all[i] = localEntry{in: f, name: name}
	}
	return all, err
}
