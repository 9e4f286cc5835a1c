// Package atomicfile writes files that are there whole or not at all, and loses no other file meanwhile.
package atomicfile

import (
	"bufio"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrChanged says that something was put under the file's name while it was written.
var ErrChanged = errors.New("was changed by somebody else meanwhile")

// A Target is a place for a file, and what stands there.
type Target struct {
	path string
	old  fs.FileInfo
}

// Find returns the target that name stands for: where it leads, if it is a symbolic link. What is there must be a
// regular file, or nothing. Errors are a [*fs.PathError].
func Find(name string) (Target, error) {
	info, err := os.Lstat(name)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		link := name
		if name, err = filepath.EvalSymlinks(link); err == nil {
			info, err = os.Lstat(name)
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = errors.New("is a link that leads nowhere")
		}
		if err != nil {
			return Target{}, &fs.PathError{Op: "write", Path: link, Err: err}
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Target{path: name}, nil
	case err != nil:
		return Target{}, err
	case info.IsDir():
		return Target{}, &fs.PathError{Op: "write", Path: name, Err: errors.New("is a directory")}
	case !info.Mode().IsRegular():
		return Target{}, &fs.PathError{Op: "write", Path: name, Err: errors.New("is not a regular file")}
	}
	return Target{name, info}, nil
}

// Path returns where the file will be, behind all links.
func (t Target) Path() string { return t.path }

// Old returns the file that will be replaced, nil if there is none.
func (t Target) Old() fs.FileInfo { return t.old }

// Write puts what write writes into the place. It goes to a temporary file in the same directory, which is synced
// and then takes the name, so that after a crash there is either the new file or what was there before. If that
// is not what Find has seen, nothing is replaced, and the error wraps [ErrChanged]. Errors are a [*fs.PathError] with
// the name that the file should have.
func (t Target) Write(write func(io.Writer) error) error {
	return t.write(0o666, write, t.publish)
}

// Replace is Write for files of which the last writer's stays: it replaces whatever has the name by then, but for a
// directory. The file gets the given permissions, before umask.
func (t Target) Replace(perm fs.FileMode, write func(io.Writer) error) error {
	return t.write(perm, write, func(temp string) error { return os.Rename(temp, t.path) })
}

func (t Target) write(perm fs.FileMode, write func(io.Writer) error, publish func(temp string) error) error {
	f, err := createTemp(filepath.Dir(t.path), perm)
	if err != nil {
		return t.named(err)
	}
	defer os.Remove(f.Name()) // fails once it has the name
	defer f.Close()
	if err := fill(f, write); err != nil {
		return t.named(err)
	}
	if err := publish(f.Name()); err != nil {
		return t.named(err)
	}
	syncDir(filepath.Dir(t.path))
	return nil
}

func fill(f *os.File, write func(io.Writer) error) error {
	w := bufio.NewWriterSize(f, 64<<10)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// named makes an error about the temporary file one about the file that the caller knows of.
func (t Target) named(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		err = path.Err
	case errors.As(err, &link):
		err = link.Err
	}
	return &fs.PathError{Op: "write", Path: t.path, Err: err}
}

// publish gives a file its name.
func (t Target) publish(temp string) error {
	if t.old == nil {
		// Unlike a renaming, a link never replaces anything. Some file systems have none.
		if err := os.Link(temp, t.path); err == nil {
			return nil
		} else if errors.Is(err, fs.ErrExist) {
			return ErrChanged
		}
	}
	now, err := Find(t.path)
	if err != nil {
		return err
	}
	if !t.same(now) {
		return ErrChanged
	}
	return os.Rename(temp, t.path)
}

func (t Target) same(now Target) bool {
	if t.old == nil || now.old == nil {
		return t.old == now.old
	}
	return os.SameFile(t.old, now.old) && t.old.Size() == now.old.Size() && t.old.ModTime().Equal(now.old.ModTime())
}

// createTemp is os.CreateTemp with other permissions.
func createTemp(dir string, perm fs.FileMode) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, ".signature-"+rand.Text()+".tmp"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
}

// syncDir makes the renaming last. Not every system can sync a directory, and by then the file is there.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		d.Close()
	}
}
