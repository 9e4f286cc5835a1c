package verifying

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/internal/span"
	"github.com/modelsigning/modelsigning/manifest"
)

// A Receiver verifies a model while its bytes pass: an upload, or a download. The caller creates each file, writes its
// bytes wherever else they go and here, and closes it; nothing is read back. What can be refused early is: a file that
// was not signed before any of its bytes, one with a wrong shard when that shard is complete, any other when it ends.
//
// What was written elsewhere is verified only when Close has returned no error. Until then it belongs into a place
// from which nobody loads models.
//
// The methods of a Receiver and of its files may be called by many goroutines at once. A Receiver that is no longer
// needed can just be forgotten.
type Receiver struct {
	config Configuration
	opened *Result
	record *hashing.Recorder
	signed map[string]*signedFile

	mu     sync.Mutex
	files  map[string]*upload // the last one of each path
	single string             // what stands for "."
}

// Receive checks the signature of b, and returns a Receiver for the model that was signed. It has the errors of
// [Configuration.Open], and a [*hashing.ConflictError]. Once ctx is done, all methods of the Receiver and of its files
// return its error.
//
// Memory is bounded by the size of the signed manifest, by [hashing.Configuration.SetMaxResources], which also counts
// files and directories that were not signed, by [hashing.Configuration.SetMaxOutOfOrder], and by how many files are
// open. Whoever receives from strangers sets all of them, and takes no bundle that is larger than it should be. The bytes of
// files that are whole or open are bounded by [hashing.Configuration.SetMaxBytes].
func (c Configuration) Receive(ctx context.Context, b *bundle.Bundle) (*Receiver, error) {
	opened, err := c.open(span.With(ctx, c.tracer), b)
	if err != nil {
		return nil, fmt.Errorf("verifying signature: %w", err)
	}
	m := opened.Manifest
	h, err := c.hashingFor(m, !m.SingleFile())
	if err != nil {
		return nil, fmt.Errorf("verifying %.200q: %w", m.Name, err)
	}
	wanted := m
	if c.only != nil {
		checked, _, _ := c.split(m) // which hashingFor has tried
		wanted = within(m, checked)
	}
	r := &Receiver{config: c, opened: opened, signed: signedFiles(wanted), files: make(map[string]*upload)}
	if r.record, err = h.Record(ctx, m.Name); err != nil {
		return nil, fmt.Errorf("verifying %.200q: %w", m.Name, err)
	}
	r.record.SetCheck(r.check)
	return r, nil
}

// Signed returns what the signature says, and who made it, before anything of the model is there: what
// [Configuration.Open] returns. The manifest must not be changed.
func (r *Receiver) Signed() Result { return *r.opened }

// Create begins a file that is written from its beginning to its end. It has the errors of [hashing.Recorder.Create],
// and refuses a file that was not signed with a [*MismatchError], unless [Configuration.SetIgnoreUnsignedFiles] allows
// it, or the signature ignores its path. Under [manifest.Shards] a file that was not signed may yet turn out to be
// empty, so that it is refused with its first byte. Once refused, it makes Close fail, too.
//
// A model that is a file, which old signatures do not name, may have any name without a slash.
func (r *Receiver) Create(path string) (*FileWriter, error) {
	w, err := r.record.Create(path)
	if err != nil {
		return nil, r.wrap(err)
	}
	u, err := r.begin(path, w)
	if err != nil {
		return nil, err
	}
	return &FileWriter{u, w}, nil
}

// CreateAt begins a file of a known size, whose ranges may be written in any order. It has the errors of Create and of
// [hashing.Recorder.CreateAt], which come first, and refuses at once a size that cannot be the signed one, which shards
// tell.
func (r *Receiver) CreateAt(path string, size int64) (*RangeWriter, error) {
	w, err := r.record.CreateAt(path, size)
	if err != nil {
		return nil, r.wrap(err)
	}
	u, err := r.begin(path, w)
	if err == nil && u.limit >= 0 && size != u.limit {
		err = u.resized(size)
	}
	if err != nil {
		return nil, err
	}
	return &RangeWriter{u, w}, nil
}

func (r *Receiver) begin(path string, w inner) (*upload, error) {
	u := &upload{r: r, path: path, inner: w, limit: -1}
	r.mu.Lock()
	r.files[path] = u
	if !w.Dropped() {
		u.signed = r.find(path)
	}
	r.mu.Unlock()
	switch {
	case w.Dropped():
	case r.opened.Manifest.Serialization.Method == manifest.Shards:
		u.limit = u.signed.size()
	case u.signed == nil:
		return nil, u.refuse(manifest.Diff{Extra: []string{path}})
	}
	return u, nil
}

// find returns what was signed under a path, or nil. The first file stands for ".".
func (r *Receiver) find(path string) *signedFile {
	if !r.opened.Manifest.SingleFile() {
		return r.signed[path]
	}
	if r.single == "" && !strings.Contains(path, "/") {
		r.single = path
	}
	if path != r.single {
		return nil
	}
	return r.signed["."]
}

// check is called with each resource that is there.
func (r *Receiver) check(got manifest.Resource) error {
	r.mu.Lock()
	signed := r.find(got.Path)
	r.mu.Unlock()
	want := signed.at(got)
	switch {
	case want == nil:
		return r.mismatch(manifest.Diff{Extra: []string{got.Name()}})
	case want.Digest != got.Digest:
		return r.mismatch(manifest.Diff{Changed: []manifest.Change{{Name: got.Name(), Want: want.Digest, Got: got.Digest}}})
	}
	return nil
}

// Close ends the model, and returns what [Configuration.VerifyContext] would return of a directory with these files,
// a [*MismatchError] among others. A file that was refused is not what was signed, unless it was created again and is
// right now. If no file was refused, one that is still open, or was aborted, or failed, is an error that wraps
// [hashing.ErrIncomplete]. After Close nothing succeeds, Close included.
func (r *Receiver) Close() (*Result, error) {
	report, err := r.record.Close()
	if diff := r.refused(); !diff.Empty() && (err == nil || errors.Is(err, hashing.ErrIncomplete)) {
		return nil, r.mismatch(diff)
	}
	if err != nil {
		return nil, r.wrap(err)
	}
	result := *r.opened
	report.File = result.Manifest.SingleFile()
	if err := r.config.compareReport(&result, report, result.Manifest.Name); err != nil {
		return nil, r.wrap(err)
	}
	return &result, nil
}

// refused returns how the model differs from what was signed if any file was refused.
func (r *Receiver) refused() (diff manifest.Diff) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range r.files {
		diff.Extra = append(diff.Extra, u.diff.Extra...)
		diff.Changed = append(diff.Changed, u.diff.Changed...)
		diff.Missing = append(diff.Missing, u.diff.Missing...)
	}
	if diff.Empty() {
		return diff
	}
	for path, f := range r.signed {
		u := r.files[path]
		if path == "." {
			u = r.files[r.single]
		}
		if u == nil || !u.whole && u.diff.Empty() {
			diff.Missing = append(diff.Missing, f.names(path)...)
		}
	}
	slices.Sort(diff.Extra)
	slices.Sort(diff.Missing)
	slices.SortFunc(diff.Changed, func(a, b manifest.Change) int { return strings.Compare(a.Name, b.Name) })
	return diff
}

func (r *Receiver) mismatch(diff manifest.Diff) error {
	return r.wrap(&MismatchError{Model: r.opened.Manifest.Name, Diff: diff})
}

func (r *Receiver) wrap(err error) error {
	return fmt.Errorf("verifying %.200q: %w", r.opened.Manifest.Name, err)
}
