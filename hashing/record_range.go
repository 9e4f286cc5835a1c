package hashing

import (
	"fmt"
	"io/fs"
	"math/bits"
	"sync"

	"github.com/modelsigning/modelsigning/manifest"
)

// A RangeWriter takes the bytes of one file of a [Recorder] in any order, each exactly once. It is an [io.WriterAt]
// and an [io.Closer].
//
// The bytes of a resource can only be hashed in order: under [manifest.Files] those of the file, under
// [manifest.Shards] those of each shard, while shards may come in any order. What comes too early is copied and kept,
// within the limit of [Configuration.SetMaxOutOfOrder].
type RangeWriter struct {
	r        *Recorder
	path     string
	size     int64
	span     int64 // of a resource, but for the last
	reserved int64 // resources
	taken    int64 // bytes, as the recorder counts them
	entry    *entry

	mu        sync.Mutex
	changed   sync.Cond // on mu: a shard is idle, or there is room again
	open      map[int64]*shard
	hashing   int              // how many of them have a hash
	done      map[int64]uint64 // sets of 64 shards
	left      int64            // resources that are not done; bytes, if they are dropped
	held      int64            // of what the recorder keeps
	resources []manifest.Resource
	err       error // of all that follows
}

func newRangeWriter(r *Recorder, path string, size int64, e *entry) *RangeWriter {
	w := &RangeWriter{r: r, path: path, size: size, entry: e, left: size}
	if !e.dropped() {
		w.span, w.reserved, w.taken = r.span(size), r.count(size), size
		w.left = w.reserved
		w.open, w.done = make(map[int64]*shard), make(map[int64]uint64)
	}
	w.changed.L = &w.mu
	return w
}

// WriteAt hashes p, which are the bytes of the file from offset off on, or keeps a copy until it can. It waits for
// nothing but other calls that are hashing bytes of the same shard.
//
// An error that wraps [ErrOutOfOrder] says that nothing of p was taken, and may be written again later. After any
// other the file is no part of the model unless it is created again: it is [ErrRange], at once or when the bytes get
// their turn, or one that [FileWriter.Write] may return.
func (w *RangeWriter) WriteAt(p []byte, off int64) (n int, err error) {
	switch err := w.r.alive(); {
	case err != nil:
		return 0, w.fail(err)
	case off < 0 || off > w.size || int64(len(p)) > w.size-off:
		return 0, w.fail(fmt.Errorf("%w: %d bytes from %d on, of %d", ErrRange, len(p), off, w.size))
	case w.entry.dropped():
		return w.drop(p)
	case len(p) == 0:
		return 0, w.failure()
	}
	// The first and the last may have to be kept, or to wait for more; those between are whole.
	first, last := w.first(p, off), w.last(p, off)
	if err := w.claim(first, last); err != nil {
		return 0, err
	}
	for q := first; ; q = w.first(p[n:], off+int64(n)) {
		switch q.off {
		case first.off:
		case last.off:
			q = last
		default:
			if err := w.claim(q, q); err != nil {
				return n, err
			}
		}
		if err := w.advance(q); err != nil {
			return n, err
		}
		if n += len(q.data); n == len(p) {
			return n, nil
		}
	}
}

// drop is WriteAt for what is not hashed. How much it is still counts.
func (w *RangeWriter) drop(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil && int64(len(p)) > w.left {
		w.stop(failed(w.path, fmt.Errorf("%w: more than %d bytes in all", ErrRange, w.size)))
	}
	if w.err != nil {
		return 0, w.err
	}
	w.left -= int64(len(p))
	return len(p), nil
}

func (w *RangeWriter) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Close says that the file is complete. [ErrIncomplete] says that it is not, and that it is no part of the model
// unless it is created again. Close returns what the file failed with, if it did, and [fs.ErrClosed] if it is closed
// already. It must not be called before all calls of WriteAt have returned.
func (w *RangeWriter) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.r.alive(); err != nil && w.err == nil {
		w.stop(failed(w.path, err))
	}
	if w.err == nil && w.size == 0 {
		w.finishEmpty()
	}
	if w.err != nil {
		return w.err
	}
	err := w.missing()
	if err == nil {
		err = w.r.end(w.entry, w.resources, nil)
	}
	if err != nil {
		w.stop(failed(w.path, err))
		return w.err
	}
	w.err, w.open, w.done, w.resources = failed(w.path, fs.ErrClosed), nil, nil, nil
	return nil
}

// Dropped is as in [FileWriter.Dropped].
func (w *RangeWriter) Dropped() bool { return w.entry.dropped() }

// Abort gives the file up, as [FileWriter.Abort] does.
func (w *RangeWriter) Abort() { w.fail(errAborted) }

// missing returns an error about the first byte that was not written.
func (w *RangeWriter) missing() error {
	switch {
	case w.left == 0:
		return nil
	case w.entry.dropped():
		return fmt.Errorf("%w: %d bytes are missing", ErrIncomplete, w.left)
	}
	i := int64(0)
	for w.done[i] == 1<<64-1 {
		i++
	}
	i = i*64 + int64(bits.TrailingZeros64(^w.done[i]))
	off := i * w.span
	if s := w.open[i]; s != nil {
		off = s.pos
	}
	return fmt.Errorf("%w: %d bytes, of which those from %d on are missing", ErrIncomplete, w.size, off)
}

// fail ends the file with an error about it, and returns the error that it ended with.
func (w *RangeWriter) fail(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.stop(failed(w.path, err))
	}
	return w.err
}

// stop ends the file with an error, and takes back what was counted for it.
func (w *RangeWriter) stop(err error) {
	w.err = err
	w.r.kept.Add(-w.held)
	w.r.begun.Add(-w.reserved)
	w.r.taken.Add(-w.taken)
	w.held, w.open, w.done, w.resources = 0, nil, nil, nil
	w.r.end(w.entry, nil, err)
	w.changed.Broadcast()
}
