package hashing

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/modelsigning/modelsigning/manifest"
)

// A ledger is the files that a model has so far, as somebody names them one by one. It sees that a directory could
// hold them. The zero value, with settings, is ready to be used by one goroutine at a time.
type ledger struct {
	*settings
	files map[string]*entry
	dirs  map[string]struct{} // above the files
	long  int64               // what long paths weigh besides
}

// An entry is one file.
type entry struct {
	listed    string // among the ignored paths, if not empty
	unlisted  bool   // not one of SetOnly
	open      bool
	err       error // why it is not whole
	resources []manifest.Resource
}

// dropped reports whether no resource is made of the file.
func (e *entry) dropped() bool { return e.listed != "" || e.unlisted }

// errAborted says that the caller gave a file up.
var errAborted = errors.New("given up")

func (l *ledger) add(path string) (*entry, error) {
	if err := checkStream(path); err != nil {
		return nil, err
	}
	old, exists := l.files[path]
	if _, dir := l.dirs[path]; dir {
		return nil, failed(path, fmt.Errorf("%w as a directory of other files", fs.ErrExist))
	}
	if exists && (old.open || old.err == nil) {
		return nil, failed(path, fs.ErrExist)
	}
	if !exists {
		if err := l.enter(path); err != nil {
			return nil, err
		}
	}
	e := &entry{listed: l.ignoredAs(path), open: true}
	e.unlisted = e.listed == "" && !l.lists(path)
	l.files[path] = e
	return e, nil
}

// checkStream reports why a file may not have this path. It may be anything that a stranger sent, so the error is
// about the root of the model, and quotes the path.
func checkStream(path string) error {
	err := manifest.CheckPath(path)
	switch {
	case err != nil:
	case len(path) > maxPath:
		err = fmt.Errorf("name %.200q is longer than %d bytes", path, maxPath)
	case strings.Count(path, "/") > maxDepth:
		err = fmt.Errorf("name %.200q is nested more than %d directories deep", path, maxDepth)
	default:
		return nil
	}
	return failed(".", fmt.Errorf("%w: %w", ErrName, err))
}

// enter adds the directories above a new file.
func (l *ledger) enter(path string) error {
	if l.files == nil {
		l.files, l.dirs = make(map[string]*entry), make(map[string]struct{})
	}
	more := int64(1)
	for dir := dirOf(path); dir != "."; dir = dirOf(dir) {
		if _, file := l.files[dir]; file {
			return failed(path, fmt.Errorf("%w: %.200q is a file", fs.ErrExist, dir))
		}
		if _, known := l.dirs[dir]; known {
			break // and so are those above it
		}
		more++
	}
	long := weight(path) - 1
	if int64(len(l.files)+len(l.dirs))+more+l.long+long > l.settings.resources {
		return failed(path, fmt.Errorf("%w: more than %d files and directories up to this one", ErrTooMany, l.settings.resources))
	}
	l.long += long
	for dir := dirOf(path); dir != "." && more > 1; dir, more = dirOf(dir), more-1 {
		l.dirs[dir] = struct{}{}
	}
	return nil
}

// ignoredAs returns how a report lists a path that is ignored, or the empty string.
func (l *ledger) ignoredAs(path string) string {
	for i := range len(path) {
		if path[i] == '/' && l.ignores(path[:i]) {
			return path[:i+1]
		}
	}
	if l.ignores(path) {
		return path
	}
	return ""
}

// whole returns an error about the first file that is not whole.
func (l *ledger) whole() error {
	first := ""
	for path, e := range l.files {
		if (e.open || e.err != nil) && (first == "" || path < first) {
			first = path
		}
	}
	if first == "" {
		return nil
	}
	err := l.files[first].err
	switch {
	case err == nil:
		err = fmt.Errorf("%w: still open", ErrIncomplete)
	case !errors.Is(err, ErrIncomplete):
		err = fmt.Errorf("%w: %w", ErrIncomplete, bare(err))
	}
	return failed(first, bare(err))
}

// report lists the files, all of which are whole, in the order of their names, whatever order they came in.
func (l *ledger) report(name string) *Report {
	var r Report
	n := 0
	for _, e := range l.files {
		n += len(e.resources)
	}
	resources := make([]manifest.Resource, 0, n)
	for path, e := range l.files {
		switch {
		case e.listed != "":
			r.Ignored = append(r.Ignored, e.listed)
		case e.unlisted && l.parts:
		case e.unlisted:
			r.Unlisted = append(r.Unlisted, path)
		case len(e.resources) == 0:
			r.Empty = append(r.Empty, path)
		}
		resources = append(resources, e.resources...)
		e.resources = nil
	}
	r.Manifest = &manifest.Manifest{Name: name, Serialization: l.serialization, Resources: resources}
	r.Manifest.Sort()
	for _, list := range [][]string{r.Ignored, r.Unlisted, r.Empty} {
		slices.Sort(list)
	}
	r.Ignored = slices.Compact(r.Ignored)
	return &r
}

// dirOf returns the directory that a path is in.
func dirOf(p string) string {
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		return p[:i]
	}
	return "."
}
