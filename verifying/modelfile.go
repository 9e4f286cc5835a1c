package verifying

import (
	"errors"
	"hash"
	"io"
	"io/fs"
	"math"
	"slices"
	"sync"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// A modelFile is an open file of a Model. What one digest covers is a unit: the file, or a shard of it.
type modelFile struct {
	model *Model
	node  *node
	name  string

	mu     sync.Mutex
	f      fs.File // nil when closed
	offset int64   // of f, where it can only be read from its beginning to its end
	pos    int64   // of Read
	held   held
	passes pass
	doubt  bool // bytes were handed out of a unit whose end was not reached
}

// Held is the unit that is in memory, verified.
type held struct {
	ok   bool
	unit int
	data []byte
}

// A pass is a unit that is handed out while it is read.
type pass struct {
	hash hash.Hash // nil: there is none
	from io.Reader
	unit int
	pos  int64 // of the next byte
	gave bool
	err  error // that it ended with
}

func (f *modelFile) Stat() (fs.FileInfo, error) { return f.node, nil }

// reopen opens the source, in place of the one that is open.
func (f *modelFile) reopen() error {
	if f.f != nil {
		f.f.Close()
		f.f = nil
	}
	source, err := f.model.tree.Open(f.node.source)
	if errors.Is(err, fs.ErrNotExist) {
		// Not as such: programs go on without files that do not exist.
		var diff manifest.Diff
		for _, u := range f.node.units {
			diff.Missing = append(diff.Missing, u.Name())
		}
		return f.fail("open", &MismatchError{Model: f.model.name, Diff: diff})
	}
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return f.fail("open", err)
	}
	f.f, f.offset = source, 0
	return nil
}

func (f *modelFile) fail(op string, err error) error {
	return &fs.PathError{Op: op, Path: f.name, Err: err}
}

// Close returns [ErrUnverified] if bytes were handed out that could not be verified yet.
func (f *modelFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.f == nil {
		return f.fail("close", fs.ErrClosed)
	}
	f.abandon()
	err := f.f.Close()
	f.f, f.held = nil, held{}
	if f.doubt {
		return f.fail("close", ErrUnverified)
	}
	return err
}

// bounds returns where a unit begins and ends.
func (f *modelFile) bounds(unit int) (start, end int64) {
	if u := f.node.units[unit]; u.End > 0 {
		return u.Start, u.End
	}
	return 0, f.node.size
}

// unitAt returns the unit that covers the byte at pos. All but the last have the same size.
func (f *modelFile) unitAt(pos int64) int {
	_, first := f.bounds(0)
	if first == 0 {
		return 0
	}
	return int(pos / first)
}

// last reports whether the file ends with the unit.
func (f *modelFile) last(unit int) bool { return unit == len(f.node.units)-1 }

// from returns a reader of the source that begins at pos.
func (f *modelFile) from(pos int64) (io.Reader, error) {
	if at, ok := f.f.(io.ReaderAt); ok {
		return io.NewSectionReader(at, pos, math.MaxInt64-pos), nil
	}
	f.abandon() // it would miss what is read here
	if pos < f.offset {
		if err := f.reopen(); err != nil {
			return nil, err
		}
	}
	// Where the file ends before that, there is nothing to read, which says it all.
	if _, err := io.CopyN(io.Discard, sequential{f}, pos-f.offset); err != nil && err != io.EOF {
		return nil, f.fail("read", err)
	}
	return sequential{f}, nil
}

// sequential is the source of a file, and counts.
type sequential struct{ *modelFile }

func (s sequential) Read(p []byte) (int, error) {
	n, err := s.f.Read(p)
	s.offset += int64(n)
	return n, err
}

// check compares the digest of a unit that was read to its end, and sees that the file ends where it should.
func (f *modelFile) check(unit int, h hash.Hash, rest io.Reader) error {
	if f.last(unit) {
		var more [1]byte
		n, err := io.ReadFull(rest, more[:])
		if n == 0 && err != io.EOF {
			return f.fail("read", err)
		}
		h.Write(more[:n])
	}
	return f.compare(unit, h)
}

func (f *modelFile) compare(unit int, h hash.Hash) error {
	want := f.node.units[unit].Digest
	if got := manifest.NewDigest(want.Algorithm, h.Sum(nil)); got != want {
		return f.changed(unit, got)
	}
	return nil
}

func (f *modelFile) changed(unit int, got manifest.Digest) error {
	want := f.node.units[unit]
	diff := manifest.Diff{Changed: []manifest.Change{{Name: want.Name(), Want: want.Digest, Got: got}}}
	return f.fail("read", &MismatchError{Model: f.model.name, Diff: diff})
}

// cut says why a unit could not be read to its end. If the file ends there, it is not what was signed, whatever its
// digest.
func (f *modelFile) cut(unit int, h hash.Hash, err error) error {
	if err != io.EOF && err != io.ErrUnexpectedEOF {
		return f.fail("read", err)
	}
	return f.changed(unit, manifest.NewDigest(f.node.units[unit].Digest.Algorithm, h.Sum(nil)))
}

// scan reads a unit, hands all of it to keep, and returns nil if it is what was signed.
func (f *modelFile) scan(unit int, keep func(at int64, data []byte)) error {
	start, end := f.bounds(unit)
	from, err := f.from(start)
	if err != nil {
		return err
	}
	h := hashing.NewHash(f.node.units[unit].Digest.Algorithm)
	buf := make([]byte, min(end-start, 128<<10))
	for at := start; at < end; {
		n, err := io.ReadFull(from, buf[:min(int64(len(buf)), end-at)])
		h.Write(buf[:n])
		if err != nil {
			return f.cut(unit, h, err)
		}
		keep(at, buf[:n])
		at += int64(n)
	}
	return f.check(unit, h, from)
}

// hold has a unit in memory, verified.
func (f *modelFile) hold(unit int) error {
	if f.held.ok && f.held.unit == unit {
		return nil
	}
	start, end := f.bounds(unit)
	data := slices.Grow(f.held.data[:0], int(end-start))
	f.held = held{}
	if err := f.scan(unit, func(_ int64, p []byte) { data = append(data, p...) }); err != nil {
		return err
	}
	f.held = held{true, unit, data}
	return nil
}
