package hashing

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/modelsigning/modelsigning/manifest"
)

// A finder looks up files that somebody says are there, instead of listing the tree: it sees that they are what they
// are said to be, and that no link leads to them that listing would not have followed.
type finder struct {
	*walker

	mu   sync.Mutex
	dirs map[string]dirStatus // that have been looked up
	err  error
	at   int // the index of the file that err is about
}

// A dirStatus is what a directory was found to be.
type dirStatus struct {
	id  identity
	err error
}

// lookUp finds the files of a plan that were assigned, and puts their identities into them.
func (w *walker) lookUp(ctx context.Context, plan *manifest.Plan) error {
	if w.tree.file != "" && len(plan.Files) > 1 {
		return w.tree.fail(".", fmt.Errorf("%w: it is a file, and the plan has %d", ErrChanged, len(plan.Files)))
	}
	var n int64
	left := w.settings.bytes
	for _, e := range plan.Files {
		n += w.count(e.Size) // which can't overflow in a plan that is valid
		if left -= e.Size; left < 0 {
			return w.tree.fail(e.Path, w.tooLarge())
		}
	}
	if most := w.settings.resources; max(n, int64(len(plan.Files))) > most {
		return w.tree.fail(".", fmt.Errorf("%w: the plan has more than %d", ErrTooMany, most))
	}
	f := &finder{walker: w, dirs: map[string]dirStatus{}}
	all := w.batched()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range w.workers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(all)) && f.batch(ctx, all[i]); i = next.Add(1) - 1 {
			}
		})
	}
	wg.Wait()
	return f.err
}

// batched returns all files, some of one directory at a time.
func (w *walker) batched() (all []batch) {
	first := 0
	for _, g := range w.groups {
		for files := range slices.Chunk(g.files, batchFiles) {
			all = append(all, batch{group{g.dir, g.id, files}, first})
			first += len(files)
		}
	}
	return all
}

// batch looks up some files of a directory, and reports whether to go on.
func (f *finder) batch(ctx context.Context, b batch) bool {
	i, err := f.find(ctx, b)
	f.mu.Lock()
	defer f.mu.Unlock()
	if at := b.first + i; err != nil && (f.err == nil || at < f.at) {
		f.err, f.at = f.tree.fail(b.files[i].path, vanished(err)), at
	}
	return f.err == nil && ctx.Err() == nil
}

// find returns an error with the index of the file that it is about.
func (f *finder) find(ctx context.Context, b batch) (int, error) {
	if f.tree.file != "" {
		s, err := described(fs.Stat(f.tree.fsys, f.tree.file))
		for i := range b.files {
			if err == nil {
				err = b.files[i].recognize(s)
			}
		}
		return 0, err
	}
	known := f.directory(b.dir)
	if known.err != nil {
		return 0, known.err
	}
	in, err := f.tree.folder(b.dir)
	if err != nil {
		return 0, err
	}
	defer in.close()
	if err := in.enter(); err != nil {
		return 0, err
	}
	if _, err := in.check(known.id); err != nil {
		return 0, err
	}
	for i := range b.files {
		if err := f.one(in, &b.files[i]); err != nil || ctx.Err() != nil {
			return i, err
		}
	}
	return 0, nil
}

// one looks up a file in its directory.
func (f *finder) one(in folder, want *file) error {
	if err := f.allowed(want.path); err != nil {
		return err
	}
	s, err := in.named(path.Base(want.path))
	if err == nil && s.mode&fs.ModeSymlink != 0 {
		s, err = f.link(want.path)
	}
	if err != nil {
		return err
	}
	return want.recognize(s)
}

// recognize sees that the file is what was planned, and remembers what no plan has, such as its identity.
func (want *file) recognize(s status) error {
	err := want.check(s)
	if err == ErrChanged {
		err = errPlanned
	}
	if err == nil {
		want.stamp = s.stamp
	}
	return err
}

// errPlanned is the ErrChanged of a file that changed before it was hashed.
var errPlanned error = plannedError{}

type plannedError struct{}

func (plannedError) Error() string { return "is not what it was when it was planned" }
func (plannedError) Unwrap() error { return ErrChanged }

// allowed reports why a path can't be that of a file to hash: listing would never have found it.
func (f *finder) allowed(p string) error {
	if _, err := filepath.Localize(p); err != nil {
		return fmt.Errorf("%w on this system", ErrName)
	}
	if f.ignores(p) {
		return fmt.Errorf("%w: the plan has a file that it ignores", manifest.ErrPlan)
	}
	return nil
}

// directory returns what the directory at p is. It and all above it must be directories, and links only where they
// are allowed.
func (f *finder) directory(p string) dirStatus {
	f.mu.Lock()
	known, ok := f.dirs[p]
	f.mu.Unlock()
	if ok {
		return known
	}
	known = f.lookUpDirectory(p)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dirs[p] = known
	return known
}

func (f *finder) lookUpDirectory(p string) dirStatus {
	if p == "." {
		return dirStatus{}
	}
	if strings.Count(p, "/") >= maxDepth {
		return dirStatus{err: fmt.Errorf("directories are nested more than %d deep", maxDepth)}
	}
	if above := f.directory(dirOf(p)); above.err != nil {
		return above
	}
	if err := f.allowed(p); err != nil {
		return dirStatus{err: err}
	}
	s, err := described(f.tree.fsys.(fs.ReadLinkFS).Lstat(p))
	if err == nil && s.mode&fs.ModeSymlink != 0 {
		s, err = f.link(p)
	}
	if err == nil && !s.mode.IsDir() {
		err = fmt.Errorf("%w: %s is not a directory now", ErrChanged, p)
	}
	return dirStatus{s.id, err}
}

// link returns what the link at p leads to, as listing does. Cycles are no danger where nothing is listed.
func (f *finder) link(p string) (status, error) {
	l := lister{walker: f.walker, at: &place{path: dirOf(p)}}
	return l.link(p)
}

// named describes an entry of the directory, which has been entered, without following it if it is a link.
func (f folder) named(name string) (status, error) {
	if f.raw != nil {
		return f.raw.stat(name, false)
	}
	return described(f.fsys.(fs.ReadLinkFS).Lstat(path.Join(f.path, name)))
}
