package signing

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"unicode/utf8"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/internal/span"
)

// A Recorder signs a model whose bytes pass by, such as a checkpoint that is being written: the caller creates each
// file, writes its bytes wherever they go and here, and closes it; nothing is read back. Its methods may be called by
// many goroutines at once.
type Recorder struct {
	config Configuration
	ctx    context.Context
	name   string
	record *hashing.Recorder

	mu     sync.Mutex
	signer Signer
	done   func() // nil after Sign or Close
}

// Record starts a model with the given name, once it is certain that it can be signed, as far as can be known before:
// the signer is ready, and servers that it needs answer. Somebody who logs in is asked when Sign is called. Once ctx is
// done, all methods of the Recorder and of its files return its error.
//
// The signer may hold what must be given back, such as a session of a hardware module: call Sign or Close.
func (c Configuration) Record(ctx context.Context, name string) (*Recorder, error) {
	ctx = span.With(ctx, c.tracer)
	r := &Recorder{config: c, ctx: ctx, name: name}
	h := c.hasher()
	if name == "" || !utf8.ValidString(name) {
		return nil, r.wrap(errors.New("the name of the model is empty or not valid UTF-8"))
	}
	err := h.Signable()
	if err == nil {
		r.signer, r.done, err = c.prepare(ctx)
	}
	if err != nil {
		return nil, r.wrap(err)
	}
	if r.record, err = h.Record(ctx, name); err != nil {
		r.done()
		return nil, r.wrap(err)
	}
	return r, nil
}

// Create begins a file that is written from its beginning to its end, as [hashing.Recorder.Create] does.
func (r *Recorder) Create(path string) (*hashing.FileWriter, error) { return r.record.Create(path) }

// CreateAt begins a file whose ranges are written in any order, as [hashing.Recorder.CreateAt] does.
func (r *Recorder) CreateAt(path string, size int64) (*hashing.RangeWriter, error) {
	return r.record.CreateAt(path, size)
}

// Sign signs what was recorded. All files must be closed. It has the errors of [hashing.Recorder.Manifest] and of the
// signer, and signs nothing then. After Sign the Recorder is closed, whatever it returns.
func (r *Recorder) Sign() (*bundle.Bundle, error) {
	b, err := r.sign()
	if err != nil {
		return nil, r.wrap(err)
	}
	return b, nil
}

func (r *Recorder) sign() (*bundle.Bundle, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done == nil {
		return nil, fs.ErrClosed
	}
	defer r.close()
	m, err := r.record.Manifest()
	if err != nil {
		return nil, err
	}
	return r.config.signManifest(r.ctx, r.signer, m)
}

// Close gives the recording up, if Sign was not called, and releases the signer. It always returns nil, so that it may
// be deferred.
func (r *Recorder) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.close()
	return nil
}

func (r *Recorder) close() {
	if r.done != nil {
		r.record.Close() // so that files that are still open fail
		r.done()
		r.done = nil
	}
}

func (r *Recorder) wrap(err error) error { return fmt.Errorf("signing %s: %w", r.name, err) }
