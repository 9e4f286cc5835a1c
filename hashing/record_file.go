package hashing

import (
	"io/fs"
	"sync"

	"github.com/modelsigning/modelsigning/manifest"
)

// recordStep is how much is hashed before the context is looked at again.
const recordStep = 1 << 20

// A FileWriter takes the bytes of one file of a [Recorder], from the first to the last. It is an [io.WriteCloser].
// Its methods may be called by many goroutines, but then the file holds their writes in any order.
type FileWriter struct {
	r     *Recorder
	path  string
	entry *entry

	mu        sync.Mutex
	hash      state             // nil between resources
	at        manifest.Resource // that is being hashed; End is how far
	resources []manifest.Resource
	err       error // of all that follows
}

// Write hashes p, and keeps none of it. An error is one of the recorder's check, or [ErrTooMany], [ErrTooLarge],
// [fs.ErrClosed] or that of the context; but for that of the check, it is a [*fs.PathError]. After an error the file is
// no part of the model unless it is created again.
func (w *FileWriter) Write(p []byte) (n int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		if w.err == nil {
			w.fail(w.r.alive())
		}
		if w.err != nil || n == len(p) {
			return n, w.err
		}
		n += w.take(p[n:])
	}
}

// take hashes the beginning of p, up to where a resource ends, and returns how much that is.
func (w *FileWriter) take(p []byte) int {
	p = p[:min(len(p), recordStep)]
	if w.entry.dropped() {
		return len(p)
	}
	if w.hash == nil && !w.begin() {
		return 0
	}
	size := w.r.serialization.ShardSize
	if size > 0 {
		p = p[:min(int64(len(p)), size-(w.at.End-w.at.Start))]
	}
	if err := w.r.reserve(0, int64(len(p))); err != nil {
		w.fail(err)
		return 0
	}
	w.hash.Write(p)
	w.at.End += int64(len(p))
	w.r.progress.add(w.path, len(p))
	if size > 0 && w.at.End-w.at.Start == size {
		w.finish()
	}
	return len(p)
}

func (w *FileWriter) begin() bool {
	if err := w.r.reserve(1, 0); err != nil {
		w.fail(err)
		return false
	}
	w.hash = w.r.borrow()
	w.at = manifest.Resource{Path: w.path, Start: w.at.End, End: w.at.End}
	return true
}

func (w *FileWriter) finish() {
	done := w.at
	if w.r.serialization.Method == manifest.Files {
		done.End = 0
	}
	done.Digest = w.r.sum(w.hash)
	w.hash = nil
	w.resources = append(w.resources, done)
	if err := w.r.checked(done); err != nil {
		w.stop(err)
	}
}

// Close says that the file is complete. It returns what the file failed with, if it did, and [fs.ErrClosed] if it is
// closed already.
func (w *FileWriter) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.fail(w.r.alive())
	}
	if w.err == nil && !w.entry.dropped() {
		w.last()
	}
	if w.err != nil {
		return w.err
	}
	if err := w.r.end(w.entry, w.resources, nil); err != nil {
		w.fail(err)
		return w.err
	}
	w.err, w.resources = failed(w.path, fs.ErrClosed), nil
	return nil
}

// last completes the resource that the file ends with. A whole file is one even without bytes.
func (w *FileWriter) last() {
	if w.at.End == 0 {
		w.r.progress.add(w.path, 0)
		if w.r.serialization.Method == manifest.Files {
			w.begin()
		}
	}
	if w.err == nil && w.hash != nil {
		w.finish()
	}
}

// Dropped reports whether the file is ignored or is not one of [Configuration.SetOnly], so that nothing is hashed.
func (w *FileWriter) Dropped() bool { return w.entry.dropped() }

// Abort gives the file up, as when an upload was cut off. The model then lacks a file until it is created again.
// After Close, or an error, Abort does nothing, so that it may be deferred.
func (w *FileWriter) Abort() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.fail(errAborted)
	}
}

func (w *FileWriter) fail(err error) {
	if err != nil {
		w.stop(failed(w.path, err))
	}
}

// stop ends the file with an error, and takes back what was counted for it.
func (w *FileWriter) stop(err error) {
	n := int64(len(w.resources))
	if w.hash != nil {
		n++
		w.r.states.Put(w.hash)
	}
	w.r.begun.Add(-n)
	w.r.taken.Add(-w.at.End)
	w.err, w.hash, w.resources = err, nil, nil
	w.r.end(w.entry, nil, err)
}
