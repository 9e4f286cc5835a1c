package verifying

import (
	"errors"
	"sync"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// A FileWriter takes the bytes of one file of a [Receiver], from the first to the last. It is an [io.WriteCloser].
type FileWriter struct {
	*upload
	w *hashing.FileWriter
}

// A RangeWriter takes the bytes of one file of a [Receiver] in any order, each exactly once. It is an [io.WriterAt] and
// an [io.Closer]. What [hashing.RangeWriter] says of order and memory holds here, too.
type RangeWriter struct {
	*upload
	w *hashing.RangeWriter
}

// Write verifies p as far as it completes anything, and keeps none of it. An error is a [*MismatchError] if the file
// is not what was signed, or one of [hashing.FileWriter.Write], and stays: whatever was written elsewhere of this file
// is to be thrown away.
func (f *FileWriter) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.limit >= 0 && int64(len(p)) > f.limit-f.n {
		f.resized(f.n + int64(len(p)))
	}
	if f.err != nil {
		return 0, f.err
	}
	n, err := f.w.Write(p)
	f.n += int64(n)
	return n, f.saw(err)
}

// Close says that the file is complete, and verifies what that completes. It has the errors of Write.
func (f *FileWriter) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil && f.n < f.limit {
		f.resized(f.n)
	}
	if f.err != nil {
		return f.err
	}
	return f.closed(f.w.Close())
}

// WriteAt verifies p as far as it completes anything, or keeps a copy until it can. Only an error that wraps
// [hashing.ErrOutOfOrder] lets the file go on: nothing of p was taken. Others are as in [FileWriter.Write].
func (f *RangeWriter) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.w.WriteAt(p, off)
	if err == nil || errors.Is(err, hashing.ErrOutOfOrder) {
		return n, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return n, f.saw(err)
}

// Close says that the file is complete. It has the errors of WriteAt, and [hashing.ErrIncomplete]. It must not be called
// before all calls of WriteAt have returned.
func (f *RangeWriter) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	return f.closed(f.w.Close())
}

// inner is what both writers of package hashing have.
type inner interface {
	Abort()
	Dropped() bool
}

// An upload is a file of a Receiver.
type upload struct {
	r      *Receiver
	path   string
	inner  inner
	signed *signedFile // nil if it was not
	limit  int64       // how many bytes the file has; -1 if the signature does not say so

	mu  sync.Mutex
	n   int64 // written so far, in order
	err error // why it was refused

	// These are the Receiver's, and behind its mutex.
	whole bool
	diff  manifest.Diff // why it was refused
}

// Dropped reports whether the signature does not cover the file, which is accepted because its path is ignored, or
// because unsigned files are. The result lists it, and says nothing about its bytes.
func (u *upload) Dropped() bool { return u.inner.Dropped() }

// Abort gives the file up, as when an upload was cut off. The model then lacks a file until it is created again. After
// Close, or an error, Abort does nothing, so that it may be deferred.
func (u *upload) Abort() { u.inner.Abort() }

// refuse ends the file since it is not what was signed.
func (u *upload) refuse(diff manifest.Diff) error {
	err := u.r.mismatch(diff)
	u.inner.Abort()
	return u.saw(err)
}

// resized refuses a file of shards that has got bytes, or more, and not as many as were signed.
func (u *upload) resized(got int64) error {
	return u.refuse(u.signed.differs(u.path, got, u.r.opened.Manifest.Serialization.ShardSize))
}

// saw keeps what the file was refused for.
func (u *upload) saw(err error) error {
	var mismatch *MismatchError
	if u.err == nil && errors.As(err, &mismatch) {
		u.err = err
		u.r.mu.Lock()
		defer u.r.mu.Unlock()
		u.diff = mismatch.Diff
	}
	return err
}

// closed says how the file ended.
func (u *upload) closed(err error) error {
	if err == nil {
		u.r.mu.Lock()
		defer u.r.mu.Unlock()
		u.whole = true
	}
	return u.saw(err)
}
