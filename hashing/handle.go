package hashing

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
)

// A handle is an open file that the streams of its parts share: opened and checked by the first, checked and
// closed by the last.
type handle struct {
	file  int
	once  sync.Once
	f     fs.File
	local *os.File // f, if it may be mapped
	err   error
	parts atomic.Int64 // that are not hashed yet
}

func (h *handle) open(e *engine) error {
	h.once.Do(func() {
		want := e.files[h.file]
		h.f, h.err = want.open(folder{fsys: e.tree.fsys}, want.path)
		if f, ok := h.f.(*os.File); ok && e.mapped && mappable(f) {
			h.local = f
		}
	})
	return h.err
}

// release says that one part is done. After the last, the file must be what it was.
func (h *handle) release(e *engine) error {
	if h.parts.Add(-1) > 0 {
		return nil
	}
	want := e.files[h.file]
	err := e.tree.atEnd(h.f, want.size)
	if err == nil {
		err = want.unchanged(folder{fsys: e.tree.fsys, follow: e.tree.follow}.again(want.path, h.f))
	}
	h.close()
	return err
}

func (h *handle) close() {
	h.once.Do(func() { h.err = fs.ErrClosed })
	if h.f != nil {
		h.f.Close()
		h.f, h.local = nil, nil
	}
}

// open opens the file, by its name in a folder, and sees that it is the one that was listed.
func (want *file) open(in folder, name string) (fs.File, error) {
	f, err := in.open(name)
	if err != nil {
		now, failed := in.again(name, nil)
		return nil, want.unopened(err, now, failed)
	}
	info, err := f.Stat()
	if err == nil {
		err = want.check(statusOf(info))
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// unopened is why the file could not be opened: err, or that its name stands for something else, or nothing, now. The
// last two arguments are what folder.again says.
func (want *file) unopened(err error, now status, failed error) error {
	changed := !now.mode.IsRegular()
	if want.seen() {
		changed = !want.same(now.stamp)
	}
	switch {
	case failed == nil && changed:
		err = fmt.Errorf("%w: %w", ErrChanged, bare(err))
	case leased(err):
		err = fmt.Errorf("%w, or is about to be: another program has a lease on it: %w", ErrChanged, bare(err))
	}
	return vanished(err)
}

// check reports ErrChanged unless s is that of the file that was listed, as it was then.
func (want *file) check(s status) error {
	switch {
	case !s.mode.IsRegular():
		return fmt.Errorf("%w: it is %w now", ErrChanged, ErrNotRegular)
	case !want.same(s.stamp):
		return ErrChanged
	case s.size < 0:
		return errSize
	}
	return nil
}

// unchanged reports ErrChanged unless its name still stands for the file, as it was. Its arguments are what
// folder.again says.
func (want *file) unchanged(now status, err error) error {
	if err != nil {
		return vanished(err)
	}
	if !want.same(now.stamp) {
		return ErrChanged
	}
	return nil
}

func (t *tree) read(f fs.File, buf []byte, off int64) (int, error) {
	if t.seeks {
		return f.(io.ReaderAt).ReadAt(buf, off)
	}
	return io.ReadFull(f, buf)
}

// readFull is ErrChanged if the file ends before buf is full.
func (t *tree) readFull(f fs.File, buf []byte, off int64) error {
	n, err := t.read(f, buf, off)
	if n == len(buf) {
		return nil
	}
	return ended(err)
}

// atEnd is ErrChanged if the file has more than size bytes. Its own word on that is not enough: some file
// systems say that all files are empty.
func (t *tree) atEnd(f fs.File, size int64) error {
	var more [1]byte
	if n, err := t.read(f, more[:], size); n > 0 {
		return ErrChanged
	} else if err != io.EOF {
		return err
	}
	return nil
}

func ended(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return ErrChanged
	}
	return err
}
