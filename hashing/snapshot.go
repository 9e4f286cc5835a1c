package hashing

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/modelsigning/modelsigning/manifest"
)

// A Snapshot is one revision in a cache of Hugging Face's libraries, …/models--org--name/snapshots/<revision>, seen
// as the plain directory that it stands for: what its links lead to is shown under the name of the link. It is an
// [fs.FS] for [Configuration.HashFS] and for the SignFS and VerifyFS of the packages signing and verifying, so that a
// signature of the plain directory fits the snapshot and the other way round.
//
// A link may lead to a regular file in the blobs directory of the same repository, written as those libraries write
// it: "../../blobs/name", with one more "../" for each directory that the link is in, or the absolute path of that
// directory and the name. Every other link, to a blob that is missing or that is a link itself too, is an error that
// wraps [ErrSymlink] and says where it leads. Directories are never links. A cache without links, as on systems that
// have none, is shown as it is.
//
// Nothing outside of the snapshot and of blobs is opened, not even while somebody is changing the cache, and nothing
// but regular files and directories. A blob or a link that is replaced while a model is hashed is [ErrChanged], as in
// a directory of the system.
//
// A Snapshot may be used by many goroutines. After Close it shows nothing.
type Snapshot struct {
	top   rootFS
	blobs *os.Root // nil if there is no such directory
	spelt []string // what absolute links to a blob begin with
}

// OpenSnapshot opens the directory of a snapshot. Dir may be a link to it, or lead through links. The error is a
// [*fs.PathError].
func OpenSnapshot(dir string) (*Snapshot, error) {
	s, err := openSnapshot(dir)
	if err != nil {
		return nil, &fs.PathError{Op: "open snapshot", Path: dir, Err: bare(err)}
	}
	return s, nil
}

func openSnapshot(dir string) (s *Snapshot, err error) {
	repository, revision, err := splitSnapshot(dir)
	if err != nil {
		return nil, err
	}
	root, err := openRoot(repository)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	snapshots, err := openReal(root.Root, "snapshots")
	if err != nil {
		return nil, err
	}
	defer snapshots.Close()
	top, err := openReal(snapshots, revision)
	if err != nil {
		return nil, err
	}
	blobs, err := openReal(root.Root, "blobs")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		top.Close()
		return nil, err
	}
	return &Snapshot{rootFS{top}, blobs, spellings(dir, repository)}, nil
}

// splitSnapshot returns where a snapshot's repository really is.
func splitSnapshot(dir string) (repository, revision string, err error) {
	real, err := filepath.EvalSymlinks(dir)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return "", "", err
	}
	snapshots, revision := filepath.Split(real)
	snapshots = filepath.Clean(snapshots)
	if filepath.Base(snapshots) != "snapshots" {
		return "", "", errors.New("is not a directory snapshots/<revision> of a Hugging Face cache")
	}
	return filepath.Dir(snapshots), revision, nil
}

// spellings returns how absolute links to a blob begin: with the real path of the repository, or with that by which
// the caller got there.
func spellings(dir, repository string) []string {
	list := []string{filepath.ToSlash(repository) + "/blobs/"}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return list
	}
	abs = filepath.Dir(filepath.Dir(abs))
	a, err1 := os.Stat(abs)
	b, err2 := os.Stat(repository)
	if errors.Join(err1, err2) == nil && os.SameFile(a, b) {
		list = append(list, filepath.ToSlash(abs)+"/blobs/")
	}
	return list
}

// openReal opens a directory that is no link to one.
func openReal(in *os.Root, name string) (*os.Root, error) {
	want, err := in.Lstat(name)
	switch {
	case err != nil:
		return nil, err
	case want.Mode()&fs.ModeSymlink != 0:
		return nil, fmt.Errorf("%w: directory %.200q of a snapshot may not be one", ErrSymlink, name)
	case !want.IsDir():
		return nil, fmt.Errorf("%w: %.200q is not a directory", fs.ErrNotExist, name)
	}
	sub, err := rootFS{in}.sub(name)
	if err != nil {
		return nil, err
	}
	if now, err := sub.Stat("."); err != nil || !os.SameFile(want, now) {
		sub.Close()
		return nil, ErrChanged
	}
	return sub.Root, nil
}

// Close closes the snapshot.
func (s *Snapshot) Close() error {
	var err error
	if s.blobs != nil {
		err = s.blobs.Close()
	}
	return errors.Join(err, s.top.Close())
}

// within calls use with a directory of the snapshot. It is looked up name by name, for a root follows links inside.
func (s *Snapshot) within(dir string, use func(*os.Root) error) error {
	at := s.top.Root
	if dir != "." {
		for name := range strings.SplitSeq(dir, "/") {
			sub, err := openReal(at, name)
			if at != s.top.Root {
				at.Close()
			}
			if err != nil {
				return err
			}
			at = sub
		}
		defer at.Close()
	}
	return use(at)
}

// A shownFile is what a name in a snapshot stands for.
type shownFile struct {
	in   *os.Root
	name string
	info fs.FileInfo // of a file, directory or whatever else it is, but of no link
}

// show finds what the entry of a directory stands for, which is open as in.
func (s *Snapshot) show(in *os.Root, dir, name string) (shownFile, error) {
	info, err := in.Lstat(name)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return shownFile{in, name, info}, err
	}
	target, err := in.Readlink(name)
	if err != nil {
		return shownFile{}, err
	}
	blob, ok := s.blob(dir, target)
	if !ok {
		return shownFile{}, fmt.Errorf("%w leads to %.300q, which is not in the blobs of its repository", ErrSymlink, target)
	}
	if s.blobs == nil {
		return shownFile{}, fmt.Errorf("%w leads to %.300q, which is missing: %w", ErrSymlink, target, fs.ErrNotExist)
	}
	b, err := s.blobs.Lstat(blob)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return shownFile{}, fmt.Errorf("%w leads to %.300q, which is missing: %w", ErrSymlink, target, bare(err))
	case err != nil:
		return shownFile{}, fmt.Errorf("%w leads to %.300q: %w", ErrSymlink, target, bare(err))
	case !b.Mode().IsRegular():
		return shownFile{}, fmt.Errorf("%w leads to %.300q, which is %w", ErrSymlink, target, ErrNotRegular)
	}
	return shownFile{s.blobs, blob, renamedInfo{b, name}}, nil
}

// blob returns the name of the blob that a link in dir leads to. Only the spellings that need no look at any other
// directory will do: who loads the model has the system follow the link, and must get to the same file.
func (s *Snapshot) blob(dir, target string) (name string, ok bool) {
	up := "../../"
	if dir != "." {
		up += strings.Repeat("../", 1+strings.Count(dir, "/"))
	}
	target = filepath.ToSlash(target)
	for _, before := range append([]string{up + "blobs/"}, s.spelt...) {
		name, ok = strings.CutPrefix(target, before)
		if ok && manifest.CheckPath(name) == nil && !strings.Contains(name, "/") {
			return name, true
		}
	}
	return "", false
}

// lookUp calls use with what a path of the snapshot stands for.
func (s *Snapshot) lookUp(op, p string, use func(shownFile) error) error {
	_, err := filepath.Localize(p) // which asks for fs.ValidPath and more
	if err != nil {
		err = fs.ErrInvalid
	} else {
		dir, name := path.Dir(p), path.Base(p)
		err = s.within(dir, func(in *os.Root) error {
			f, err := s.show(in, dir, name)
			if err == nil {
				err = use(f)
			}
			return err
		})
	}
	if err != nil {
		return &fs.PathError{Op: op, Path: p, Err: bare(err)}
	}
	return nil
}
