package hashing

import (
	"io/fs"
	"os"
	"path/filepath"

	"github.com/modelsigning/modelsigning/internal/largefile"
)

// A rootFS is a directory that no path leads out of. Unlike [os.Root.FS], opening never waits for the other end
// of a FIFO that somebody puts in the place of a file.
type rootFS struct{ *os.Root }

// openRoot adds the dot to the path for the same reason: it makes the system refuse what is not a directory.
func openRoot(dir string) (rootFS, error) {
	r, err := os.OpenRoot(dir + string(filepath.Separator) + ".")
	return rootFS{r}, err
}

func (r rootFS) sub(p string) (rootFS, error) {
	sub, err := r.OpenRoot(p + "/.")
	return rootFS{sub}, err
}

func (r rootFS) Open(name string) (fs.File, error) { return r.open(name) }

func (r rootFS) open(name string) (*os.File, error) {
	return r.OpenFile(name, os.O_RDONLY|nonblock|largefile.Flag, 0)
}

func (r rootFS) ReadLink(name string) (string, error) { return r.Readlink(name) }

// A linkFS is a directory whose files may be links to anywhere.
type linkFS string

func (dir linkFS) join(name string) string {
	return filepath.Join(string(dir), filepath.FromSlash(name))
}

func (dir linkFS) Open(name string) (fs.File, error) {
	return os.OpenFile(dir.join(name), os.O_RDONLY|nonblock, 0)
}

func (dir linkFS) Stat(name string) (fs.FileInfo, error)  { return os.Stat(dir.join(name)) }
func (dir linkFS) Lstat(name string) (fs.FileInfo, error) { return os.Lstat(dir.join(name)) }
func (dir linkFS) ReadLink(name string) (string, error)   { return os.Readlink(dir.join(name)) }

// A fileFS is a single file, by whatever name it is asked for.
type fileFS string

func (f fileFS) Open(string) (fs.File, error)     { return os.OpenFile(string(f), os.O_RDONLY|nonblock, 0) }
func (f fileFS) Stat(string) (fs.FileInfo, error) { return os.Stat(string(f)) }
