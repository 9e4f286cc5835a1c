package verifying

import (
	"errors"
	"io"
	"io/fs"
	"slices"

	"github.com/modelsigning/modelsigning/hashing"
)

// Read reads on, as [Model] says.
func (f *modelFile) Read(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.f == nil {
		return 0, f.fail("read", fs.ErrClosed)
	}
	n, err := f.read(p)
	f.pos += int64(n)
	return n, err
}

func (f *modelFile) read(p []byte) (int, error) {
	// Even a file without bytes is verified before its end is said to be one.
	if len(p) == 0 || f.pos >= f.node.size && f.node.size > 0 {
		return 0, eofUnless(len(p) == 0)
	}
	unit := f.unitAt(f.pos)
	start, end := f.bounds(unit)
	if end-start > f.model.buffer && end > start {
		return f.pass(unit, p)
	}
	if err := f.hold(unit); err != nil {
		return 0, err
	}
	n := copy(p, f.held.data[min(f.pos, end)-start:])
	return n, eofUnless(n > 0)
}

func eofUnless(more bool) error {
	if more {
		return nil
	}
	return io.EOF
}

// pass hands out what it reads of a unit, but for the last bytes, which it hands out if the unit is what was signed.
func (f *modelFile) pass(unit int, p []byte) (int, error) {
	s := &f.passes
	if s.hash == nil || s.unit != unit || s.pos != f.pos {
		if err := f.begin(unit); err != nil {
			return 0, err
		}
	}
	if s.err != nil {
		return 0, s.err
	}
	_, end := f.bounds(unit)
	n, err := io.ReadAtLeast(s.from, p[:min(int64(len(p)), end-s.pos)], 1)
	s.hash.Write(p[:n])
	s.pos += int64(n)
	switch {
	case n == 0:
		s.err = f.cut(unit, s.hash, err)
		return 0, s.err
	case s.pos < end:
		s.gave = true
		return n, nil
	}
	if err := f.check(unit, s.hash, s.from); err != nil {
		s.pos, s.err = f.pos, err
		clear(p[:n])
		return 0, err
	}
	f.passes = pass{}
	return n, nil
}

// begin begins to read a unit, and hashes what lies before pos.
func (f *modelFile) begin(unit int) (err error) {
	f.abandon()
	s := pass{unit: unit, hash: hashing.NewHash(f.node.units[unit].Digest.Algorithm), pos: f.pos}
	start, _ := f.bounds(unit)
	if s.from, err = f.from(start); err != nil {
		return err
	}
	if _, err := io.CopyN(s.hash, s.from, f.pos-start); err != nil {
		return f.cut(unit, s.hash, err)
	}
	f.passes = s
	return nil
}

// abandon gives up the unit that is being handed out.
func (f *modelFile) abandon() {
	f.doubt = f.doubt || f.passes.gave
	f.passes = pass{}
}

// ReadAt reads what is verified, as [Model] says. It does not move Read.
func (f *modelFile) ReadAt(p []byte, off int64) (n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.f == nil:
		return 0, f.fail("read", fs.ErrClosed)
	case off < 0:
		return 0, f.fail("read", errors.New("negative offset"))
	}
	for n < len(p) {
		if off >= f.node.size && f.node.size > 0 {
			return n, io.EOF
		}
		m, err := f.readUnit(p[n:], off)
		if err != nil {
			return n, err
		}
		n += m
		off += int64(m)
	}
	return n, nil
}

// readUnit reads from off to the end of a unit, or of p.
func (f *modelFile) readUnit(p []byte, off int64) (int, error) {
	unit := f.unitAt(off)
	start, end := f.bounds(unit)
	if end-start <= f.model.buffer || end == start {
		if err := f.hold(unit); err != nil {
			return 0, err
		}
		if off >= end {
			return 0, io.EOF // of a file without bytes
		}
		return copy(p, f.held.data[off-start:]), nil
	}
	p = p[:min(int64(len(p)), end-off)]
	err := f.scan(unit, func(at int64, data []byte) {
		// What of data is of p, each seen from its own beginning.
		if at < off {
			data = data[min(off-at, int64(len(data))):]
			at = off
		}
		if at-off < int64(len(p)) {
			copy(p[at-off:], data)
		}
	})
	if err != nil {
		clear(p)
		return 0, err
	}
	return len(p), nil
}

// Seek sets where Read goes on.
func (f *modelFile) Seek(offset int64, whence int) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += f.pos
	case io.SeekEnd:
		offset += f.node.size
	default:
		offset = -1
	}
	switch {
	case f.f == nil:
		return 0, f.fail("seek", fs.ErrClosed)
	case offset < 0:
		return 0, f.fail("seek", fs.ErrInvalid)
	}
	f.pos = offset
	return offset, nil
}

// readAll returns all of the file, once all of it is verified. What it allocates, it has read. How large a whole file
// is, nobody has signed: a large one, which may have holes and be none, is verified before any of it is kept.
func (f *modelFile) readAll() ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.node.units[0].End == 0 && f.node.size > f.model.buffer {
		if err := f.scan(0, func(int64, []byte) {}); err != nil {
			return nil, err
		}
	}
	data := make([]byte, 0, min(f.node.size, defaultBuffer))
	for unit := range f.node.units {
		if err := f.scan(unit, func(_ int64, p []byte) { data = append(data, p...) }); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// ReadDir lists the directory on, as [fs.ReadDirFile] says.
func (d *modelDir) ReadDir(n int) ([]fs.DirEntry, error) {
	left := d.below[d.at:]
	if n > 0 {
		if len(left) == 0 {
			return nil, io.EOF
		}
		left = left[:min(n, len(left))]
	}
	d.at += len(left)
	return slices.Clone(left), nil
}
