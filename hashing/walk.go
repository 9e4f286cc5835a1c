package hashing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/modelsigning/modelsigning/manifest"
)

// maxLinks is how many links a path may hold, as in Linux. It ends cycles where files have no identity.
const maxLinks = 40

// A file is one that is to be hashed, as it was when the tree was listed.
type file struct {
	path string
	stamp
	first int // the index of its first resource
}

// A place is a directory that is to be listed. It remembers those above it, for links may lead back to them.
type place struct {
	path   string
	id     identity
	links  int
	above  *place
	strict bool // an error if it can't be read
}

// A walker lists a tree: it finds what is to be hashed, and opens directories only.
type walker struct {
	*settings
	tree  *tree
	todo  []*place
	files []file // those of one directory follow each other
	total int64

	ignored, unlisted, empty []string
}

func (w *walker) walk(ctx context.Context) error {
	if w.tree.file != "" {
		return w.single(w.tree.file)
	}
	w.todo = []*place{{path: ".", strict: true}}
	for len(w.todo) > 0 {
		d := w.todo[len(w.todo)-1]
		w.todo = w.todo[:len(w.todo)-1]
		if err := w.list(ctx, d); err != nil {
			if d.strict || !errors.Is(err, fs.ErrPermission) {
				return err
			}
			w.unlisted = append(w.unlisted, d.path)
		}
	}
	return nil
}

// single walks a model that is one file. Ignored paths are below a root, so none is meant for it.
func (w *walker) single(name string) error {
	if err := manifest.CheckPath(name); err != nil {
		return w.tree.fail(".", err)
	}
	if !w.lists(name) {
		w.unlisted = append(w.unlisted, name)
		return nil
	}
	info, err := fs.Stat(w.tree.fsys, name)
	if err != nil {
		return w.tree.fail(name, vanished(err))
	}
	if !info.Mode().IsRegular() {
		return w.tree.fail(name, ErrNotRegular)
	}
	w.add(name, info)
	return nil
}

func (w *walker) list(ctx context.Context, d *place) error {
	in, err := w.tree.folder(d.path)
	if err != nil {
		return w.tree.fail(d.path, vanished(err))
	}
	defer in.close()
	f, err := in.open(".")
	if err != nil {
		return w.tree.fail(d.path, vanished(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return w.tree.fail(d.path, err)
	}
	if id := identityOf(info); !info.IsDir() || !id.same(d.id) {
		return w.tree.fail(d.path, ErrChanged)
	} else {
		d.id = id
	}
	next := reader(f, in)
	for {
		entries, err := next()
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
		for _, e := range entries {
			if err := w.entry(in, d, e); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return w.tree.fail(d.path, err)
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
}

// reader returns a function that reads the entries of f a thousand at a time: directories may be huge.
func reader(f fs.File, in folder) func() ([]fs.DirEntry, error) {
	if dir, ok := f.(fs.ReadDirFile); ok {
		return func() ([]fs.DirEntry, error) { return dir.ReadDir(1000) }
	}
	return func() ([]fs.DirEntry, error) {
		entries, err := fs.ReadDir(in.fsys, in.path)
		if err == nil {
			err = io.EOF
		}
		return entries, err
	}
}

func (w *walker) entry(in folder, d *place, e fs.DirEntry) error {
	p := path.Join(d.path, e.Name())
	if w.ignores(p) {
		w.ignored = append(w.ignored, p)
		return nil
	}
	bad := manifest.CheckPath(p)
	if w.only != nil && !w.lists(p) && !w.leads(p) {
		if e.IsDir() && bad == nil {
			w.todo = append(w.todo, &place{path: p, above: d, links: d.links})
		} else {
			w.unlisted = append(w.unlisted, p)
		}
		return nil
	}
	if bad != nil {
		return w.tree.fail(".", bad)
	}
	info, err := in.lstat(e)
	if err != nil {
		return w.tree.fail(p, vanished(err))
	}
	links := d.links
	if info.Mode()&fs.ModeSymlink != 0 {
		links++
		if info, err = w.link(p, d); err != nil {
			return w.tree.fail(p, err)
		}
	}
	switch {
	case info.IsDir():
		w.todo = append(w.todo, &place{path: p, id: identityOf(info), above: d, links: links, strict: true})
	case !info.Mode().IsRegular():
		return w.tree.fail(p, ErrNotRegular)
	case !w.lists(p):
		w.unlisted = append(w.unlisted, p)
	default:
		w.add(p, info)
	}
	return nil
}

// link returns what the link at p leads to.
func (w *walker) link(p string, d *place) (fs.FileInfo, error) {
	if !w.serialization.AllowSymlinks {
		return nil, fmt.Errorf("%w: links are not allowed", ErrSymlink)
	}
	info, err := fs.Stat(w.tree.fsys, p)
	if err != nil {
		return nil, fmt.Errorf("%w leads nowhere: %w", ErrSymlink, bare(err))
	}
	if target, out := w.tree.outside(p); out {
		w.logger.Warn("symbolic link leads out of the model", "path", p, "target", target)
	}
	if !info.IsDir() {
		return info, nil
	}
	id := identityOf(info)
	for up := d; up != nil; up = up.above {
		if id.known() && id.same(up.id) && up.id.known() {
			return nil, fmt.Errorf("%w leads back to %s, which it is in", ErrSymlink, up.path)
		}
	}
	if d.links >= maxLinks {
		return nil, fmt.Errorf("%w after %d others, which is too many", ErrSymlink, d.links)
	}
	return info, nil
}

func (w *walker) add(p string, info fs.FileInfo) {
	w.files = append(w.files, file{path: p, stamp: stampOf(info)})
	w.total += info.Size()
}
