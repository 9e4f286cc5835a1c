package hashing

import (
	"context"
	"io/fs"
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
	if err == nil && isLocal(in.fsys) {
		err = in.enter()
	}
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
	// Asking for a byte more than there should be shows whether the file ends here.
	buf := w.room()[w.used:][:want.size+1]
	n, err := want.slurp(w.tree, in, path.Base(want.path), buf)
	if err == nil {
		w.add(i, buf[:n])
	}
	return err
}

// slurp reads the file into buf, by its name in a folder, and returns its size.
func (want *file) slurp(t *tree, in folder, name string, buf []byte) (n int, err error) {
	var f fs.File
	if in.raw != nil {
		n, err = in.raw.slurp(in, want, name, buf)
	} else if f, err = want.open(in, name); err == nil {
		defer f.Close()
		if n, err = t.read(f, buf, 0); ended(err) == ErrChanged {
			err = nil
		}
	}
	if err != nil {
		return 0, err
	}
	if int64(n) != want.size {
		return 0, ErrChanged
	}
	return n, want.unchanged(in, name, f)
}
