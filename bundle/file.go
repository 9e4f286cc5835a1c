package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/modelsigning/modelsigning/internal/atomicfile"
)

// ReadFile reads the bundle in the named file, of at most [MaxSize] bytes. Errors are a [*fs.PathError], or wrap
// [ErrMalformed].
func ReadFile(name string) (*Bundle, error) { return ReadFileLimit(name, MaxSize) }

// ReadFileLimit is ReadFile with a smaller limit in bytes. Whatever is not a regular file is refused, and never
// waited for.
func ReadFileLimit(name string, limit int64) (*Bundle, error) {
	f, size, err := openRegular(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := read(f, min(limit, MaxSize), size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

// openRegular opens a file, which must be a regular one, and returns its size.
func openRegular(name string) (f *os.File, size int64, err error) {
	if f, err = openNonblock(name); err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "read", Path: name, Err: errors.New("is not a regular file, so it is not a signature")}
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// WriteFile writes the bundle to the named file, so that after a crash there is either the new file, whole, or
// what was there before. A symbolic link is followed. What exists and is not a regular file is never replaced, nor
// is what somebody else puts there meanwhile. Errors are a [*fs.PathError].
func (b *Bundle) WriteFile(name string) error {
	target, err := atomicfile.Find(name)
	if err != nil {
		return err
	}
	return target.Write(b.write)
}
