package bundle

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ReadFile reads the bundle in the named file. Errors are a [*fs.PathError], or wrap [ErrMalformed].
func ReadFile(name string) (*Bundle, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("is a directory, not a signature")}
	}
	b, err := read(f, MaxSize, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

// WriteFile writes the bundle to the named file, so that after a crash there is either the new file, whole, or
// what was there before. It writes a temporary file in the same directory, syncs it and renames it. A symbolic
// link is followed. What exists and is not a regular file is never replaced.
func (b *Bundle) WriteFile(name string) error {
	target, err := resolve(name)
	if err != nil {
		return err
	}
	f, err := createTemp(filepath.Dir(target))
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it is renamed
	defer f.Close()
	if err := b.save(f); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if err := os.Rename(f.Name(), target); err != nil {
		return err
	}
	syncDir(filepath.Dir(target))
	return nil
}

func (b *Bundle) save(f *os.File) error {
	w := bufio.NewWriterSize(f, 64<<10)
	if err := b.write(w); err != nil {
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

// resolve returns the file that will be written for name: name itself, or where a link leads.
func resolve(name string) (string, error) {
	info, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return name, nil
	}
	if err != nil {
		return "", err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		if name, err = filepath.EvalSymlinks(name); err != nil {
			return "", err
		}
		if info, err = os.Lstat(name); err != nil {
			return "", err
		}
	}
	if !info.Mode().IsRegular() {
		return "", &fs.PathError{Op: "write", Path: name, Err: errors.New("exists and is not a regular file")}
	}
	return name, nil
}

// createTemp is os.CreateTemp with the permissions that a new file of the user's has.
func createTemp(dir string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, ".signature-"+rand.Text()+".tmp"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
}

// syncDir makes the renaming last. Not every system can sync a directory, and by then the file is there.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		d.Close()
	}
}
