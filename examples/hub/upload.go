package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/verifying"
)

// An upload is a model that is arriving.
type upload struct {
	id, model, dir string
	files          *os.Root
	receiver       *verifying.Receiver
	cancel         context.CancelFunc // of all that the receiver does
	left           atomic.Int64       // bytes that it may still have
	signed         []string           // paths, sorted
	memory         int64              // bytes that it may take, about
	spare          atomic.Int64       // bytes of them that names of other files may still take

	// These are the hub's, and behind its mutex.
	busy  int // requests
	ended bool
	idle  *time.Timer
}

// receiveBundle stores the bundle. It waits for a stranger, and takes next to no memory: any number may arrive at a time.
func (u *upload) receiveBundle(body io.Reader) error {
	f, err := os.Create(filepath.Join(u.dir, bundleName))
	if err != nil {
		return err
	}
	n, err := copySync(f, body)
	u.memory = n + maxOthers
	return errors.Join(err, f.Close())
}

// verify checks the signature before anything of the model is taken, and lets others use the upload.
func (h *hub) verify(ctx context.Context, u *upload, accepted verifying.Configuration) error {
	// It takes some times the memory of a bundle to read one, so strangers get a few at a time read, however many come.
	select {
	case h.parsers <- struct{}{}:
		defer func() { <-h.parsers }()
	case <-ctx.Done():
		return ctx.Err()
	}
	f, err := os.Open(filepath.Join(u.dir, bundleName))
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := bundle.Read(f, h.limits.bundle)
	if err != nil {
		return err
	}
	life, cancel := context.WithTimeout(h.life, h.limits.age)
	u.cancel = cancel
	if u.receiver, err = accepted.Receive(life, b); err != nil {
		return err
	}
	resources := u.receiver.Signed().Manifest.Resources
	u.signed = make([]string, len(resources))
	for i, r := range resources {
		u.signed[i] = r.Path
		u.memory += cost(r.Path)
	}
	if len(resources) > h.limits.files || u.memory > h.limits.memory {
		return &refusal{http.StatusRequestEntityTooLarge, "too_many", "the signature is of more files than are taken"}
	}
	slices.Sort(u.signed)
	u.spare.Store(maxOthers)
	if u.files, err = os.OpenRoot(filepath.Join(u.dir, filesName)); err != nil {
		return err
	}
	return h.add(u)
}

// maxOthers is how much memory an upload may take for the names of files that were not signed, each of which the receiver
// remembers.
const maxOthers = 256 << 10

// cost returns how much memory a file takes until its upload ends, about, whether it was signed or not: most of it when
// it was sent and refused, for then there is an error, too.
func cost(name string) int64 {
	const file, dir = 1 << 10, 64
	return int64(file + 3*len(name) + dir*strings.Count(name, "/"))
}

var errTooManyOthers = &refusal{http.StatusRequestEntityTooLarge, "too_many", "too many files were sent that the signature does not cover"}

var errNotCovered = &refusal{http.StatusUnprocessableEntity, "not_covered", "the signature does not cover this file, so it is not stored; leave it out"}

// put takes one file: what arrives is verified and written at once. After an error nothing of it is left, and it may be
// sent again.
func (u *upload) put(name string, body io.Reader) error {
	if err := checkName(name); err != nil {
		return err
	}
	name = strings.Clone(name) // a part of the request's first line, all of which the receiver would keep with it
	if _, signed := slices.BinarySearch(u.signed, name); !signed && u.spare.Add(-cost(name)) < 0 {
		return errTooManyOthers
	}
	w, err := u.receiver.Create(name)
	if err != nil {
		return err
	}
	defer w.Abort()
	if w.Dropped() {
		_ = w.Close() // it stays out of the model, which does not lack it
		return errNotCovered
	}
	n, err := u.write(name, io.TeeReader(&counted{body, &u.left}, w))
	if err != nil {
		return err
	}
	// Shards have no signature of files without bytes. Last of all, the receiver hears that the file is there.
	empty := n == 0 && u.receiver.Signed().Manifest.Serialization.Method == manifest.Shards
	if empty {
		err = u.files.Remove(name)
	}
	if err == nil {
		err = w.Close()
	}
	switch {
	case err != nil && empty:
		return err // by now another request may have a file of this name
	case err != nil:
		return errors.Join(err, u.files.Remove(name))
	case empty:
		return errNotCovered
	}
	return nil
}

// write makes a new file, which is on the disk, or not there, when it returns.
func (u *upload) write(name string, from io.Reader) (int64, error) {
	if dir := path.Dir(name); dir != "." {
		if err := u.files.MkdirAll(dir, 0o777); err != nil {
			return 0, err
		}
	}
	f, err := u.files.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return 0, err
	}
	n, err := copySync(f, from)
	if err = errors.Join(err, f.Close()); err != nil {
		err = errors.Join(err, u.files.Remove(name))
	}
	return n, err
}

// checkName refuses names that a signature may have, and that no file in a store should have.
func checkName(name string) error {
	odd := func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }
	if !filepath.IsLocal(filepath.FromSlash(name)) || path.Clean(name) != name || name == "." || strings.ContainsFunc(name, odd) {
		return &refusal{http.StatusBadRequest, "name", "no file may have this name"}
	}
	return nil
}

// counted refuses bytes above a limit that several readers share.
type counted struct {
	io.Reader
	left *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if c.left.Add(-int64(n)) < 0 {
		return 0, &refusal{http.StatusRequestEntityTooLarge, "too_large", "the model is larger than what is taken"}
	}
	return n, err
}

// A stored is what is known of a model that was verified.
type stored struct {
	Model      string `json:"model"`
	RootDigest string `json:"root_digest"`
	Signer     struct {
		Method  string `json:"method"`
		Subject string `json:"subject"`
		Issuer  string `json:"issuer,omitempty"`
		Time    string `json:"time,omitempty"`
	} `json:"signer"`
	Resources int      `json:"resources"`
	NotStored []string `json:"not_stored"` // was sent, and is not covered by the signature
}

func newStored(model string, r *verifying.Result) (s stored) {
	s.Model, s.RootDigest, s.Resources = model, r.Manifest.Root().String(), len(r.Manifest.Resources)
	s.Signer.Method, s.Signer.Subject, s.Signer.Issuer = string(r.Signer.Method), r.Signer.Subject, r.Signer.Issuer
	if !r.Signer.Time.IsZero() {
		s.Signer.Time = r.Signer.Time.UTC().Format(time.RFC3339)
	}
	s.NotStored = append(append([]string{}, r.Ignored...), r.Unsigned...)
	return s
}

// commit verifies that nothing is missing, and publishes the model. Nobody else may use the upload any more.
func (s *store) commit(u *upload) (stored, error) {
	result, err := u.receiver.Close()
	if err != nil {
		return stored{}, err
	}
	done := newStored(u.model, result)
	if err := errors.Join(u.files.Close(), writeResult(u.dir, done)); err != nil {
		return stored{}, err
	}
	return done, s.publish(u.dir, u.model)
}

// remove removes what is left of an upload.
func (u *upload) remove() error {
	if u.cancel != nil {
		u.cancel()
	}
	if u.files != nil {
		_ = u.files.Close()
	}
	if err := os.RemoveAll(u.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
