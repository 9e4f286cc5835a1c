package hashing

import (
	"io/fs"
	"os"
	"path"
)

// Open opens a file or a directory. Files are an [io.ReaderAt] as well.
func (s *Snapshot) Open(name string) (opened fs.File, err error) {
	err = s.lookUp("open", name, func(f shownFile) error {
		if t := f.info.Mode().Type(); t != 0 && t != fs.ModeDir {
			return ErrNotRegular
		}
		o, err := rootFS{f.in}.open(f.name)
		if err != nil {
			return err
		}
		now, err := o.Stat()
		if err != nil || now.Mode().Type() != f.info.Mode().Type() || !identityOf(now).same(identityOf(f.info)) {
			o.Close()
			return vanishedOr(err)
		}
		if now.IsDir() {
			opened = &snapshotDir{o, s, name}
		} else {
			opened = &snapshotFile{o, name}
		}
		return nil
	})
	return opened, err
}

func vanishedOr(err error) error {
	if err == nil {
		err = ErrChanged
	}
	return err
}

// Stat describes a file or a directory.
func (s *Snapshot) Stat(name string) (info fs.FileInfo, err error) { return s.stat("stat", name) }

// Lstat is Stat, since a snapshot shows no links.
func (s *Snapshot) Lstat(name string) (fs.FileInfo, error) { return s.stat("lstat", name) }

func (s *Snapshot) stat(op, name string) (info fs.FileInfo, err error) {
	err = s.lookUp(op, name, func(f shownFile) error {
		info = f.info
		return nil
	})
	return info, err
}

// ReadLink is an error, since a snapshot shows no links.
func (s *Snapshot) ReadLink(name string) (string, error) {
	return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
}

// A renamedInfo describes a blob under the name of the link that leads to it.
type renamedInfo struct {
	fs.FileInfo
	name string
}

func (i renamedInfo) Name() string { return i.name }

type snapshotFile struct {
	*os.File
	path string
}

func (f *snapshotFile) Stat() (fs.FileInfo, error) {
	info, err := f.File.Stat()
	if err != nil {
		return nil, err
	}
	return renamedInfo{info, path.Base(f.path)}, nil
}

type snapshotDir struct {
	*os.File
	snapshot *Snapshot
	path     string
}

// ReadDir gives entries that ask for more than the name only when they are asked.
func (d *snapshotDir) ReadDir(n int) ([]fs.DirEntry, error) {
	names, err := d.Readdirnames(n)
	entries := make([]fs.DirEntry, len(names))
	for i, name := range names {
		entries[i] = snapshotEntry{d.snapshot, path.Join(d.path, name)}
	}
	return entries, err
}

type snapshotEntry struct {
	snapshot *Snapshot
	path     string
}

func (e snapshotEntry) Name() string               { return path.Base(e.path) }
func (e snapshotEntry) Info() (fs.FileInfo, error) { return e.snapshot.Lstat(e.path) }
func (e snapshotEntry) IsDir() bool                { return e.Type().IsDir() }
func (e snapshotEntry) String() string             { return fs.FormatDirEntry(e) }

// Type is that of a file where a link leads nowhere.
func (e snapshotEntry) Type() fs.FileMode {
	info, err := e.Info()
	if err != nil {
		return fs.ModeIrregular
	}
	return info.Mode().Type()
}
