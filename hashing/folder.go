package hashing

import (
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// A folder is a directory of a tree that is opened for looking up many names in it.
type folder struct {
	fsys   fs.FS
	path   string
	follow bool
	top    *os.File // the root of the tree, where there are raw directories
	raw    *rawDir  // nil until enter, and where there is none
	dir    fs.File  // nil until enter, and where there is a raw one
	sub    *os.Root // to be closed
}

// folder returns that with the given path. Without raw directories names are looked up from there on.
func (t *tree) folder(p string) (folder, error) {
	r, ok := t.fsys.(rootFS)
	if !ok || hasRawDirs {
		return folder{fsys: t.fsys, path: p, follow: t.follow, top: t.top}, nil
	}
	sub, err := r.sub(p)
	if err != nil {
		return folder{}, err
	}
	return folder{fsys: sub, path: ".", follow: t.follow, sub: sub.Root}, nil
}

// enter opens the directory itself.
func (f *folder) enter() (err error) {
	if hasRawDirs && isLocal(f.fsys) {
		f.raw, err = openRawDir(f.fsys, f.top, f.path, f.follow)
		return err
	}
	f.dir, err = f.fsys.Open(f.path)
	return err
}

// check returns which directory was opened. It is ErrChanged if that is not the one that it should be.
func (f *folder) check(want identity) (identity, error) {
	var is status
	var err error
	if f.raw != nil {
		is, err = f.raw.status()
	} else {
		is, err = described(f.dir.Stat())
	}
	switch {
	case err != nil:
		return want, err
	case !is.mode.IsDir() || !is.id.same(want):
		return want, ErrChanged
	}
	return is.id, nil
}

// isLocal reports whether fsys shows directories of the system as they are. A file system of the caller's may
// show something else than the files that it gives are.
func isLocal(fsys fs.FS) bool {
	switch fsys.(type) {
	case rootFS, linkFS:
		return true
	}
	return false
}

func (f *folder) close() {
	if f.raw != nil {
		f.raw.close()
	}
	if f.dir != nil {
		f.dir.Close()
	}
	if f.sub != nil {
		f.sub.Close()
	}
}

func (f folder) open(name string) (fs.File, error) { return f.fsys.Open(path.Join(f.path, name)) }

// entries reads the next entries of the directory, whose path in the model is at: some hundreds at a time, since
// directories may be huge. Those are sorted, and stay until the next call.
func (f *folder) entries(l *listing, at string) ([]fs.DirEntry, error) {
	if isLocal(f.fsys) {
		return l.next(f, at)
	}
	entries, err := f.foreign()
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

func (f *folder) foreign() ([]fs.DirEntry, error) {
	if dir, ok := f.dir.(fs.ReadDirFile); ok {
		return dir.ReadDir(1000)
	}
	entries, err := fs.ReadDir(f.fsys, f.path)
	if err == nil {
		err = io.EOF
	}
	return entries, err
}

// lstat describes an entry without following it if it is a link.
func (f folder) lstat(e fs.DirEntry) (status, error) {
	if f.raw != nil {
		return f.raw.stat(e.Name(), false)
	}
	if fsys, ok := f.fsys.(fs.ReadLinkFS); ok {
		return described(fsys.Lstat(path.Join(f.path, e.Name())))
	}
	return described(e.Info())
}

// again describes the file that the name now stands for. Without a way to ask the file system, it is the open
// file, if any, of which at least size and time can be compared.
func (f folder) again(name string, open fs.File) (status, error) {
	if f.raw != nil {
		return f.raw.stat(name, f.follow)
	}
	name = path.Join(f.path, name)
	in := f.fsys
	if c, ok := in.(copyFS); ok {
		in = c.FS
	}
	if f.follow {
		if fsys, ok := in.(fs.StatFS); ok {
			return described(fsys.Stat(name))
		}
	} else if fsys, ok := in.(fs.ReadLinkFS); ok {
		return described(fsys.Lstat(name))
	}
	if open == nil {
		return status{}, fs.ErrInvalid
	}
	return described(open.Stat())
}

func described(info fs.FileInfo, err error) (status, error) {
	if err != nil {
		return status{}, err
	}
	return statusOf(info), nil
}
