package hashing

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/modelsigning/modelsigning/manifest"
)

// A file is one that is to be hashed, as it was when the tree was listed.
type file struct {
	path string
	stamp
	first int // the index of its first resource
	// Of a file that another run hashes the rest of, only the bytes [from, to) are hashed, if to is not zero. They
	// begin where a resource does, and first is where its first resource would be.
	from, to int64
}

// extent returns which bytes are to be hashed.
func (f *file) extent() (from, to int64) {
	if f.to == 0 {
		return 0, f.size
	}
	return f.from, f.to
}

// length returns how many bytes are to be hashed.
func (f *file) length() int64 {
	from, to := f.extent()
	return to - from
}

// fits reports whether the file is to be hashed as a whole, and is no larger than a chunk.
func (f *file) fits(chunk int64) bool { return f.to == 0 && f.size <= chunk }

// A place is a directory that is to be listed. It remembers those above it, for links may lead back to them.
type place struct {
	path   string
	id     identity
	links  int
	above  *place
	strict bool // an error if it can't be read
}

// A walker lists a tree: it finds what is to be hashed, and opens directories only. Several goroutines list one
// directory each.
type walker struct {
	*settings
	tree *tree
	late bool // stamps of files are taken when they are opened, where the system lets us

	mu      sync.Mutex
	changed sync.Cond
	todo    []*place
	busy    int // directories that are being listed
	err     error
	errAt   string // the directory that err is about

	all    found
	files  []*file // those of one directory follow each other
	groups []group
	empty  []string
}

// A group is the files of one directory, which are not copied: there may be millions.
type group struct {
	dir   string
	id    identity // of the directory
	files []file
}

// Found is what there is in a directory. Of all directories, only ignored, unlisted and the weight are kept together.
type found struct {
	files    []file // in a directory
	places   []*place
	ignored  []string
	unlisted []string
	weight   int64 // of all of these
}

// weight is what a path counts as of the resources that are allowed: there may be many long ones.
func weight(path string) int64 { return int64(1 + len(path)/1024) }

func (w *walker) walk(ctx context.Context) error {
	if w.tree.file != "" {
		return w.single(w.tree.file)
	}
	w.changed.L = &w.mu
	w.todo = []*place{{path: ".", strict: true}}
	var wg sync.WaitGroup
	for range w.workers {
		wg.Go(func() {
			var room listing
			for d := w.next(); d != nil; d = w.next() {
				l := lister{walker: w, room: &room, at: d}
				err := l.list(ctx)
				w.merge(d, &l.found, err)
			}
		})
	}
	wg.Wait()
	w.join()
	return w.err
}

// join puts the files of all groups together in the order of the directories, which is nearly that of the manifest.
func (w *walker) join() {
	n := 0
	for _, g := range w.groups {
		n += len(g.files)
	}
	slices.SortFunc(w.groups, func(a, b group) int { return strings.Compare(a.dir, b.dir) })
	w.files = make([]*file, 0, n)
	for _, g := range w.groups {
		for i := range g.files {
			w.files = append(w.files, &g.files[i])
		}
	}
}

// next returns a directory to list, or nil when there won't be any.
func (w *walker) next() *place {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.todo) == 0 && w.busy > 0 && w.err == nil {
		w.changed.Wait()
	}
	if len(w.todo) == 0 || w.err != nil {
		return nil
	}
	d := w.todo[len(w.todo)-1]
	w.todo = w.todo[:len(w.todo)-1]
	w.busy++
	return d
}

// merge adds what was found in d. Of several errors that about the first directory is kept.
func (w *walker) merge(d *place, f *found, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy--
	if err != nil && !d.strict && errors.Is(err, fs.ErrPermission) {
		*f, err = found{unlisted: []string{d.path}, weight: weight(d.path)}, nil
	}
	// Links may show one directory under any number of names, so what is found is bounded while it is found.
	w.all.weight += f.weight
	if err == nil && w.all.weight > w.settings.resources {
		err = w.tooMany(d)
	}
	if err != nil && (w.err == nil || d.path < w.errAt) {
		w.err, w.errAt = err, d.path
	}
	if len(f.files) > 0 {
		w.groups = append(w.groups, group{d.path, d.id, f.files})
	}
	w.all.ignored = append(w.all.ignored, f.ignored...)
	w.all.unlisted = append(w.all.unlisted, f.unlisted...)
	w.todo = append(w.todo, f.places...)
	w.changed.Broadcast()
}

func (w *walker) tooMany(d *place) error {
	return w.tree.fail(d.path, fmt.Errorf("%w: more than %d files, directories and ignored paths up to this one", ErrTooMany, w.settings.resources))
}

// single walks a model that is one file. Ignored paths are below a root, so none is meant for it.
func (w *walker) single(name string) error {
	if err := manifest.CheckPath(name); err != nil {
		return w.tree.fail(".", err)
	}
	if !w.lists(name) {
		w.all.unlisted = append(w.all.unlisted, name)
		return nil
	}
	info, err := fs.Stat(w.tree.fsys, name)
	if err != nil {
		return w.tree.fail(name, vanished(err))
	}
	if !info.Mode().IsRegular() {
		return w.tree.fail(name, ErrNotRegular)
	}
	w.groups = []group{{dir: ".", files: []file{{path: name, stamp: stampOf(info)}}}}
	w.join()
	return nil
}
