package hashing

import (
	"context"
	"path"
	"strings"
	"sync"
)

const (
	batchFiles = 256
	batchBytes = 4 << 20
)

// Batches hands out the files that fit into one chunk, several of one directory at a time.
type batches struct {
	files []file
	limit int64 // on the size of a file

	mu sync.Mutex
	at int
}

// next returns a range of files that are all in one directory. Not all of them need to be small.
func (b *batches) next() (lo, hi int, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.at < len(b.files) && b.files[b.at].size > b.limit {
		b.at++
	}
	lo = b.at
	if lo == len(b.files) {
		return 0, 0, false
	}
	dir := dirOf(b.files[lo].path)
	var bytes int64
	for b.at < len(b.files) && b.at-lo < batchFiles && bytes < batchBytes && dirOf(b.files[b.at].path) == dir {
		if size := b.files[b.at].size; size <= b.limit {
			bytes += size
		}
		b.at++
	}
	return lo, b.at, true
}

func dirOf(p string) string {
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		return p[:i]
	}
	return "."
}

// batch hashes the small ones of files[lo:hi].
func (w *worker) batch(ctx context.Context, lo, hi int) {
	dir := dirOf(w.files[lo].path)
	in, err := w.tree.folder(dir)
	if err != nil {
		w.fail(lo, vanished(err))
		return
	}
	defer in.close()
	for i := lo; i < hi && ctx.Err() == nil; i++ {
		if w.files[i].size > w.small.limit {
			continue
		}
		if !w.fits(w.files[i].size) {
			w.flush()
		}
		if err := w.slurp(in, i); err != nil {
			w.fail(i, err)
			break
		}
	}
	w.flush()
}

// slurp reads a whole file, and sees that it did not change meanwhile.
func (w *worker) slurp(in folder, i int) error {
	want := &w.files[i]
	name := path.Base(want.path)
	f, err := want.open(in, name)
	if err != nil {
		return err
	}
	defer f.Close()
	// Asking for a byte more than there should be shows whether the file ends here.
	buf := w.room()[w.used:][:want.size+1]
	n, err := w.tree.read(f, buf, 0)
	if err == nil {
		return ErrChanged
	}
	if err = ended(err); err != ErrChanged || int64(n) < want.size {
		return err
	}
	if err := want.unchanged(in, name, f); err != nil {
		return err
	}
	w.add(i, buf[:n])
	return nil
}
