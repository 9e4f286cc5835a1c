package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sync"
)

// A store keeps models:
//
//	models/{name}/model.sig     the bundle
//	models/{name}/result.json   what was verified
//	models/{name}/files/        the model
//	uploads/{id}/               the same, of what is not verified yet
//
// A model gets its name in one step, when all of it is verified and on the disk.
type store struct {
	models, uploads string
	mu              sync.Mutex // of publishing
}

const (
	bundleName = "model.sig"
	resultName = "result.json"
	filesName  = "files"
)

// openStore makes a store, or opens one, and removes what a run that was killed has left of uploads.
func openStore(dir string) (*store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	s := &store{models: filepath.Join(dir, "models"), uploads: filepath.Join(dir, "uploads")}
	if err := s.clean(); err != nil {
		return nil, err
	}
	return s, errors.Join(os.MkdirAll(s.models, 0o777), os.MkdirAll(s.uploads, 0o777), syncDir(dir))
}

// uploadIDs are what newDir makes.
var uploadIDs = regexp.MustCompile(`^[A-Z2-7]{26,}$`)

// clean removes uploads, and nothing else: somebody may name a directory that is no store, and has uploads of its own.
func (s *store) clean() error {
	entries, err := os.ReadDir(s.uploads)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if uploadIDs.MatchString(e.Name()) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(s.uploads, e.Name())))
		}
	}
	return err
}

// newDir returns a directory for an upload, and its name, which nobody can guess.
func (s *store) newDir() (id, dir string, err error) {
	id = rand.Text()
	dir = filepath.Join(s.uploads, id)
	return id, dir, os.MkdirAll(filepath.Join(dir, filesName), 0o777)
}

func (s *store) exists(model string) bool {
	_, err := os.Lstat(filepath.Join(s.models, model))
	return err == nil
}

// publish makes the model in dir, a whole one, that of the name. It never replaces one: the error is then
// [fs.ErrExist].
func (s *store) publish(dir, model string) error {
	if err := syncTree(dir); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.exists(model) {
		return &fs.PathError{Op: "store", Path: model, Err: fs.ErrExist}
	}
	if err := os.Rename(dir, filepath.Join(s.models, model)); err != nil {
		return err
	}
	return syncDir(s.models)
}

// writeResult writes a file that is on the disk when it returns.
func writeResult(dir string, result any) error {
	data, err := json.Marshal(result)
	if err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, resultName))
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

var buffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// copySync copies to a file, and sees that it is on the disk.
func copySync(f *os.File, r io.Reader) (n int64, err error) {
	buf := buffers.Get().(*[64 << 10]byte)
	defer buffers.Put(buf)
	n, err = io.CopyBuffer(struct{ io.Writer }{f}, struct{ io.Reader }{r}, buf[:]) // without their ways around the buffer
	if err != nil {
		return n, err
	}
	return n, f.Sync()
}

// syncTree makes all names below dir last.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = syncDir(path)
		}
		return err
	})
}

// syncDir makes the names in a directory last. Not every system can do that, and then they are there nevertheless.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}
