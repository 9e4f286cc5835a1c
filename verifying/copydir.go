package verifying

import (
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"

	"github.com/modelsigning/modelsigning/internal/largefile"
)

// A copyDir is a directory that a model is copied into before it gets its name.
type copyDir struct {
	name   string
	root   *os.Root
	signed []string // paths of what is to be copied, sorted
	single bool     // the model is one file, whatever its path

	mu    sync.Mutex
	dirs  map[string]bool // that are there
	files map[string]bool // that were made, by path
	file  string          // the last of them, by name
}

// newCopyDir makes the directory beside dst, so that it can be renamed.
func newCopyDir(dst string, signed []string, single bool) (*copyDir, error) {
	d := &copyDir{signed: signed, single: single, dirs: map[string]bool{".": true}, files: map[string]bool{}}
	d.name = filepath.Join(filepath.Dir(filepath.Clean(dst)), ".copy-"+rand.Text()+".tmp")
	err := os.Mkdir(d.name, 0o777)
	if err != nil {
		return nil, err
	}
	if d.root, err = os.OpenRoot(d.name); err != nil {
		os.Remove(d.name)
	}
	return d, err
}

// remove removes what has not got its name.
func (d *copyDir) remove() {
	d.root.Close()
	os.RemoveAll(d.name)
}

// create makes a file of the copy. What was not signed is not copied.
func (d *copyDir) create(p string) (io.WriteCloser, error) {
	if _, signed := slices.BinarySearch(d.signed, p); !signed && !d.single {
		return nil, nil
	}
	name, err := filepath.Localize(p)
	if err != nil {
		return nil, &fs.PathError{Op: "create", Path: p, Err: errors.New("is not a name that this system has")}
	}
	if err := d.prepare(p, name); err != nil {
		return nil, err
	}
	// Names that the file system takes for the same are an error: each file is made once.
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|largefile.Flag, 0o666)
	if err != nil {
		return nil, err
	}
	return syncedFile{f}, nil
}

// prepare makes the directory that a file will be in.
func (d *copyDir) prepare(p, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[p], d.file = true, name
	dir := path.Dir(p)
	if d.dirs[dir] {
		return nil
	}
	if err := d.root.MkdirAll(filepath.FromSlash(dir), 0o777); err != nil {
		return err
	}
	for ; !d.dirs[dir]; dir = path.Dir(dir) {
		d.dirs[dir] = true
	}
	return nil
}

// complete sees that all that was signed was read, and so is there, and not known from elsewhere.
func (d *copyDir) complete() error {
	for _, p := range d.signed {
		if !d.files[p] && !(d.single && len(d.files) == 1) {
			return &fs.PathError{Op: "copy", Path: p, Err: errors.New("was verified without being read")}
		}
	}
	return nil
}

// publish gives the copy its name.
func (d *copyDir) publish(dst string) error {
	for dir := range d.dirs {
		syncDir(d.root, filepath.FromSlash(dir))
	}
	// Not every system can rename what is open.
	if err := d.root.Close(); err != nil {
		return err
	}
	from := d.name
	if d.single {
		from = filepath.Join(d.name, d.file)
		// Unlike a renaming, a link never replaces a file. Some file systems have none.
		switch err := os.Link(from, dst); {
		case err == nil:
			syncAbove(dst)
			return nil
		case errors.Is(err, fs.ErrExist):
			return taken(dst)
		}
	}
	if err := checkAbsent(dst); err != nil {
		return err
	}
	if err := os.Rename(from, dst); err != nil {
		return err
	}
	syncAbove(dst)
	return nil
}

func syncAbove(path string) {
	if above, err := os.OpenRoot(filepath.Dir(path)); err == nil {
		syncDir(above, ".")
		above.Close()
	}
}

// syncDir makes what is in a directory last. Not every system can, and by then the files are there.
func syncDir(root *os.Root, dir string) {
	if d, err := root.Open(dir); err == nil {
		_ = d.Sync()
		d.Close()
	}
}

// A syncedFile is on the disk once it is closed. It only has Write, for os.File could take what was not hashed from
// elsewhere.
type syncedFile struct{ f *os.File }

func (s syncedFile) Write(p []byte) (int, error) { return s.f.Write(p) }
func (s syncedFile) Close() error {
	if err := s.f.Sync(); err != nil {
		s.f.Close()
		return err
	}
	return s.f.Close()
}
