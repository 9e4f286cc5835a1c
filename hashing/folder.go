package hashing

import (
	"io"
	"io/fs"
	"os"
	"path"
)

// A folder is a directory of a tree that is opened for looking up many names in it.
type folder struct {
	fsys   fs.FS
	path   string
	follow bool
	dir    fs.File // nil until enter
	raw    *rawDir // nil until enter, and where there is none
}

func (t *tree) folder(p string) (folder, error) {
	r, ok := t.fsys.(rootFS)
	if !ok {
		return folder{fsys: t.fsys, path: p, follow: t.follow}, nil
	}
	sub, err := r.sub(p)
	if err != nil {
		return folder{}, err
	}
	return folder{fsys: sub, path: ".", follow: t.follow}, nil
}

// enter opens the directory itself.
func (f *folder) enter() (err error) {
	if f.dir, err = f.fsys.Open(f.path); err == nil && isLocal(f.fsys) {
		f.raw = rawDirOf(f.dir.(*os.File), f.follow)
	}
	return err
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
	if f.dir != nil {
		f.dir.Close()
	}
	if r, ok := f.fsys.(rootFS); ok {
		r.Close()
	}
}

func (f folder) open(name string) (fs.File, error) { return f.fsys.Open(path.Join(f.path, name)) }

// entries reads the next entries: a thousand at a time, since directories may be huge.
func (f folder) entries() ([]fs.DirEntry, error) {
	if r, ok := f.fsys.(rootFS); ok {
		return r.entries(f.dir.(*os.File), 1000)
	}
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
		return f.raw.lstat(e.Name())
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
		return f.raw.again(name)
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
