package hashing

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/modelsigning/modelsigning/manifest"
)

// Errors of a [Recorder]. They come wrapped in a [*fs.PathError] with the path of the file in the model.
var (
	// ErrOutOfOrder says that bytes came before those that they follow, and that there is no room left to keep them
	// until then: see [Configuration.SetMaxOutOfOrder]. It is the only error after which a file is as it was before:
	// write the same bytes again when those before them are written.
	ErrOutOfOrder = errors.New("too far ahead of the bytes before it")
	// ErrIncomplete says that a file was not written to its end and closed.
	ErrIncomplete = errors.New("not written to its end")
	// ErrRange says that bytes were written twice, or where the file has none.
	ErrRange = errors.New("not a range that is left to write")
)

// DefaultMaxOutOfOrder is the limit of [Configuration.SetMaxOutOfOrder] where none is set, in bytes.
const DefaultMaxOutOfOrder = 64 << 20

// SetMaxOutOfOrder sets how many bytes a [Recorder] keeps of what came out of order, in all of its files together.
// Each range that is kept counts 64 bytes more than it holds, and each further shard of a file that is begun and not
// complete as much as the state of its hash: 50 KiB for BLAKE3, 512 bytes for the others. Zero, the default, is
// [DefaultMaxOutOfOrder]; a negative number keeps nothing. Hashing what exists does not heed it.
func (c Configuration) SetMaxOutOfOrder(n int64) Configuration {
	c.ahead = n
	return c
}

// A Recorder makes the manifest of a model whose bytes pass by: an upload, a download, a checkpoint that is being
// written. The caller creates each file, writes all of its bytes, and closes it; nothing is read back. What it gets
// in the end is what [Configuration.Report] would return of a directory with these files.
//
// All methods of a Recorder and of its files may be called by many goroutines at once. None of them starts
// another one or waits for input, so a Recorder that is no longer needed can just be forgotten.
type Recorder struct {
	*settings
	ctx      context.Context
	name     string
	check    func(manifest.Resource) error
	progress tracker
	states   sync.Pool    // of state
	begun    atomic.Int64 // resources of all files
	taken    atomic.Int64 // bytes of all files, or what they will be
	kept     atomic.Int64 // bytes, as SetMaxOutOfOrder counts them

	closed atomic.Bool

	mu    sync.Mutex
	paths ledger
}

// Record starts the manifest of a model with the given name. Hashing is as c says, with these differences:
//   - Links and special files do not pass by as such; what the caller writes is what is hashed.
//   - Workers, mapping, chunks, SetCache and SetCopy mean nothing: a file is hashed by the goroutines that write it.
//   - Progress has a Total of -1, since nobody knows it.
//
// Once ctx is done, every method of the recorder and of its files returns its error.
func (c Configuration) Record(ctx context.Context, name string) (*Recorder, error) {
	s, err := c.settings()
	if err == nil && s.follow {
		err = errUnread
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("recording %s: %w", name, err)
	}
	r := &Recorder{settings: s, ctx: ctx, name: name, paths: ledger{settings: s}}
	r.progress = tracker{report: s.progress, total: -1}
	r.states.New = func() any { return NewHash(s.serialization.Algorithm) }
	return r, nil
}

// SetCheck has f called with each resource as soon as its last byte is there. An error of f fails the file: the Write
// that completed the resource, or Close, returns it, and so does all that is done to the file after that. Resources
// of different files and of different shards are checked at the same time. SetCheck must be called before the first
// file is created, and f must not use the file.
func (r *Recorder) SetCheck(f func(manifest.Resource) error) { r.check = f }

// Create begins a file that is written from its beginning to its end. The path is relative to the model's root and
// separated by slashes. These are errors, and begin nothing:
//   - [ErrName], about a path that [manifest.CheckPath] refuses, is longer than 8 KiB, or nested deeper than
//     1000 directories;
//   - [fs.ErrExist], about a path that exists already or is being written, that is a directory above another file,
//     or below one. A file that failed or was aborted may be created again;
//   - [ErrTooMany], about more files and directories than [Configuration.SetMaxResources] allows;
//   - [fs.ErrClosed] after Close, and that of the context.
//
// A path that is ignored, or is not one of [Configuration.SetOnly], is accepted. What is written there is dropped, and
// [Report] lists it.
func (r *Recorder) Create(path string) (*FileWriter, error) {
	e, err := r.create(path)
	if err != nil {
		return nil, err
	}
	return &FileWriter{r: r, path: path, entry: e}, nil
}

// CreateAt begins a file of a known size, whose ranges may be written in any order. It has the errors of Create,
// [ErrRange] for a negative size, and [ErrTooLarge] for one that [Configuration.SetMaxBytes] does not allow.
func (r *Recorder) CreateAt(path string, size int64) (*RangeWriter, error) {
	if size < 0 {
		return nil, failed(path, fmt.Errorf("%w: a size of %d", ErrRange, size))
	}
	e, err := r.create(path)
	if err != nil {
		return nil, err
	}
	w := newRangeWriter(r, path, size, e)
	if err := r.reserve(w.reserved, w.taken); err != nil {
		w.reserved, w.taken = 0, 0
		return nil, w.fail(err)
	}
	return w, nil
}

func (r *Recorder) create(path string) (*entry, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.alive(); err != nil {
		return nil, failed(path, err)
	}
	return r.paths.add(path)
}

// Close ends the recording. Every file must have been closed without an error; one that is still open, or failed, or
// was aborted, and has not been created again, is an error that wraps [ErrIncomplete], and what made it fail. After
// Close no other method succeeds, Close included. A model without any resource is not an error here, as it is for
// [Recorder.Manifest].
func (r *Recorder) Close() (*Report, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.alive()
	r.closed.Store(true)
	if err != nil {
		return nil, fmt.Errorf("recording %s: %w", r.name, err)
	}
	if err := r.paths.whole(); err != nil {
		return nil, err
	}
	return r.paths.report(r.name), nil
}

// Manifest is Close for those who sign: it returns the manifest alone, and a model without any resource is an error
// that wraps [ErrEmptyModel].
func (r *Recorder) Manifest() (*manifest.Manifest, error) {
	if r.only != nil {
		return nil, fmt.Errorf("recording %s: %w", r.name, errOnly)
	}
	report, err := r.Close()
	if err != nil {
		return nil, err
	}
	return report.signable(r.name)
}

// alive reports why nothing more can be written to any file.
func (r *Recorder) alive() error {
	if r.closed.Load() {
		return fs.ErrClosed
	}
	return r.ctx.Err()
}

// end says how a file ended.
func (r *Recorder) end(e *entry, resources []manifest.Resource, err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed.Load() {
		return fs.ErrClosed
	}
	e.open, e.err, e.resources = false, err, resources
	return err
}

// reserve counts some resources more, and some bytes.
func (r *Recorder) reserve(resources, bytes int64) error {
	if !reserve(&r.begun, resources, r.resources) {
		return fmt.Errorf("%w: more than %d with this file", ErrTooMany, r.resources)
	}
	if !reserve(&r.taken, bytes, r.bytes) {
		r.begun.Add(-resources)
		return r.tooLarge()
	}
	return nil
}

// reserve adds n, unless that would be more than most.
func reserve(sum *atomic.Int64, n, most int64) bool {
	for {
		was := sum.Load()
		if n > 0 && was > most-n {
			return false
		}
		if sum.CompareAndSwap(was, was+n) {
			return true
		}
	}
}

// keep makes room for n bytes, and reports whether there is any.
func (r *Recorder) keep(n int64) bool { return reserve(&r.kept, n, r.ahead) }

// failed returns the error for a file of a recorder.
func failed(path string, err error) error { return &fs.PathError{Op: "record", Path: path, Err: err} }
