package hashing

import (
	"context"
	"path"
	"sync"
)

const (
	batchFiles = 256
	batchBytes = 4 << 20
	// glanceSize is the size of the largest file that is read at a glance. Each is asked for that and a byte more.
	glanceSize = defaultChunk
	// unseenBytes is what a file is taken for that was not looked at yet.
	unseenBytes = 32 << 10
)

// Batches hands out the files that fit into one chunk, several of one directory at a time.
type batches struct {
	groups []group
	limit  int64 // on the size of a file

	mu   sync.Mutex
	done int // files
	at   int // in the first group
}

// A batch is some files of a directory, of which the first is that with index first of all. Not all of them need to be
// small.
type batch struct {
	group
	first int
}

// next returns files that are not all large, or false if there are none left.
func (b *batches) next() (batch, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for ; len(b.groups) > 0; b.groups, b.at = b.groups[1:], 0 {
		g := b.groups[0]
		lo := b.at
		for lo < len(g.files) && !g.files[lo].fits(b.limit) {
			lo++
		}
		hi := lo
		for bytes := int64(0); hi < len(g.files) && hi-lo < batchFiles && bytes < batchBytes; hi++ {
			if f := &g.files[hi]; !f.seen() {
				bytes += unseenBytes
			} else if f.fits(b.limit) {
				bytes += f.size
			}
		}
		first := b.done + lo - b.at
		b.done += hi - b.at
		b.at = hi
		if lo < hi {
			g.files = g.files[lo:hi]
			return batch{g, first}, true
		}
	}
	return batch{}, false
}

// batch hashes the small ones of some files, and returns how many bytes they have; a few may stay in the pack.
func (w *worker) batch(ctx context.Context, b batch) (bytes int64) {
	in, err := w.tree.enter(b.group)
	if err != nil {
		w.fail(b.first, vanished(err))
		return 0
	}
	defer in.close()
	if in.raw != nil && w.small.limit >= glanceSize { // else there is no room for as much
		in.raw.startGlances(b.id)
	}
	room := w.roomFor // bound once, not for each file
	for i := range b.files {
		want := &b.files[i]
		if !want.fits(w.small.limit) {
			continue
		}
		if ctx.Err() != nil {
			break
		}
		data, err := want.slurp(w.tree, in, path.Base(want.path), room)
		if err != nil {
			w.fail(b.first+i, err)
			break
		}
		if data != nil {
			bytes += int64(len(data))
			w.add(b.first+i, data)
		}
	}
	return bytes
}

// enter opens the directory of a group. If it can be looked into, it must be the one that was listed.
func (t *tree) enter(g group) (folder, error) {
	in, err := t.folder(g.dir)
	if err != nil || !isLocal(in.fsys) {
		return in, err
	}
	err = in.enter()
	if err == nil {
		_, err = in.check(g.id)
	}
	if err != nil {
		in.close()
	}
	return in, err
}

// roomFor returns memory for a small file of the given size and a byte more, which shows whether the file ends where it
// should. It is nil if the file is large.
func (w *worker) roomFor(size int64) []byte {
	if size > w.small.limit {
		return nil
	}
	if !w.fits(size) {
		w.flush()
	}
	return w.room()[w.used:][:size+1]
}

// slurp reads the file, by its name in a folder, into the memory that room gives for its size, and sees that it did not
// change meanwhile. Without memory it returns nil.
func (want *file) slurp(t *tree, in folder, name string, room func(size int64) []byte) ([]byte, error) {
	if in.raw != nil {
		return in.raw.slurp(want, name, room)
	}
	f, err := want.open(in, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	buf := room(want.size)
	n, err := t.read(f, buf, 0)
	if err != nil && ended(err) != ErrChanged {
		return nil, err
	}
	if int64(n) != want.size {
		return nil, ErrChanged
	}
	return buf[:n], want.unchanged(in.again(name, f))
}
