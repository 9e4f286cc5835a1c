package hashing

import (
	"errors"
	"os"
)

const (
	// readReach is how much a worker reads at once of all of its streams together: no more than stays in the
	// second-level cache until it is hashed, and no less than maxChunk.
	readReach = 1 << 20
	// mapReach is how much a worker that maps loads at once of each stream.
	mapReach = 1 << 20
)

// reach returns how many bytes of each of n streams to have in memory at once: a multiple of 4 KiB.
func (e *engine) reach(n int, mapped bool) int64 {
	if mapped {
		return mapReach
	}
	return min(int64(e.chunk), max(readReach/int64(n), minChunk)) &^ (minChunk - 1)
}

// mappable reports whether to map files, as far as is known before the first is opened: to read much at once is slow.
func (t *tree) mappable() bool {
	if _, alone := t.fsys.(fileFS); !alone && !isLocal(t.fsys) {
		return false
	}
	f, err := t.fsys.Open(".")
	if err != nil {
		return false
	}
	defer f.Close()
	return mappable(f.(*os.File))
}

// A window is the memory for what comes next of a stream. It is read into, or the file is mapped into a space.
type window struct {
	buf   []byte
	space *space // nil to read
}

// errUnmapped says that the system has no more room for mappings, or that the file has shrunk. Reading tells.
var errUnmapped = errors.New("not mapped")

// load returns the n bytes at offset off of the open file, which stay until the next call, or until others need their
// room in the space.
func (v *window) load(e *engine, h *handle, off, n int64) ([]byte, error) {
	if v.space != nil {
		data, err := v.space.load(h.local, off, n)
		if err != nil {
			return nil, errUnmapped
		}
		return data, nil
	}
	if int64(len(v.buf)) < n {
		v.buf = make([]byte, n)
	}
	return v.buf[:n], e.tree.readFull(h.f, v.buf[:n], off)
}

// errFault says that a mapped file could not be read, although it did not change.
var errFault = errors.New("input/output error on mapped file")

// survive is to be deferred while data of the streams is used, which may be mapped. A fault, which is what a file
// that was truncated makes, becomes an error that names the file. The states of the streams are lost.
func (w *worker) survive(streams []*stream) {
	r := recover()
	if r == nil {
		return
	}
	if fault, ok := r.(interface{ Addr() uintptr }); ok {
		for _, s := range streams {
			if holds(s.data, fault.Addr()) {
				w.fail(s.file, s.from.fault(w.engine))
				return
			}
		}
	}
	panic(r)
}

func (h *handle) fault(e *engine) error {
	want := e.files[h.file]
	if err := want.unchanged(folder{fsys: e.tree.fsys, follow: e.tree.follow}.again(want.path, h.f)); err != nil {
		return err
	}
	return errFault
}
