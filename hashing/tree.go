package hashing

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A tree is the file system that a model lies in. Paths are those of package [fs].
type tree struct {
	fsys   fs.FS
	shown  string   // how errors name the root
	file   string   // the model is this one file, if not empty
	real   string   // the root without symbolic links, to tell what lies outside; may be empty
	follow bool     // symbolic links are followed
	seeks  bool     // files are io.ReaderAt, for several goroutines at once
	top    *os.File // the root itself, if fsys is a rootFS
	opened io.Closer
}

// openTree opens the model at path model, which is called name.
func openTree(model, name string, links bool) (*tree, error) {
	info, err := os.Stat(model)
	if err != nil {
		return nil, &fs.PathError{Op: "hash", Path: model, Err: bare(err)}
	}
	t := &tree{shown: model, follow: links, seeks: true}
	switch {
	case info.Mode().IsRegular():
		// The caller named the file, so a link is fine here even if none are inside of models.
		t.fsys, t.file, t.follow = fileFS(model), name, true
	case !info.IsDir():
		return nil, &fs.PathError{Op: "hash", Path: model, Err: ErrNotRegular}
	case links:
		// Joining a path to model itself would take the ".." of "link/.." for the directory that holds the link.
		if t.real, err = filepath.EvalSymlinks(model); err == nil {
			t.real, err = filepath.Abs(t.real)
		}
		t.fsys = linkFS(t.real)
	default:
		err = t.openRoot(model)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "hash", Path: model, Err: bare(err)}
	}
	return t, nil
}

func (t *tree) openRoot(model string) error {
	r, err := openRoot(model)
	if err != nil {
		return err
	}
	if t.top, err = r.Root.Open("."); err != nil {
		r.Close()
		return err
	}
	t.fsys, t.opened = r, r
	return nil
}

func (t *tree) Close() error {
	if t.top != nil {
		t.top.Close()
	}
	if t.opened == nil {
		return nil
	}
	return t.opened.Close()
}

// fail returns the error for the file at path p.
func (t *tree) fail(p string, err error) error {
	if t.file != "" {
		p = "."
	}
	return &fs.PathError{Op: "hash", Path: filepath.Join(t.shown, filepath.FromSlash(p)), Err: bare(err)}
}

// bare returns err without the path that package os adds, which is relative to some directory or other.
func bare(err error) error {
	if e, ok := err.(*fs.PathError); ok {
		return e.Err
	}
	return err
}

// vanished is for errors about something that was there a moment ago, in a directory.
func vanished(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("%w: %w", ErrChanged, bare(err))
	}
	return err
}

// outside returns what the link at p leads to if that is not in the model, or not known to be.
func (t *tree) outside(p string) (target string, ok bool) {
	if t.real == "" {
		return "", false
	}
	link := filepath.Join(t.real, filepath.FromSlash(p))
	target, err := realPath(link)
	if err != nil { // nobody knows, such as of a path that is too long
		return link, true
	}
	rel, err := filepath.Rel(t.real, target)
	return target, err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
