package hashing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/modelsigning/modelsigning/manifest"
)

// maxLinks is how many links a path may hold, as in Linux. It ends cycles where files have no identity.
const maxLinks = 40

// maxPath is how long a path may be. Systems have smaller limits for what they are asked at once, which is whole paths
// where links are allowed.
const maxPath = 8 << 10

// maxDepth is how deep directories may be nested. Each is looked up from the root, name by name.
const maxDepth = 1000

// A lister lists one directory, at.
type lister struct {
	*walker
	room *listing
	at   *place
	in   folder
	found
}

func (l *lister) list(ctx context.Context) (err error) {
	if l.in, err = l.tree.folder(l.at.path); err != nil {
		return l.tree.fail(l.at.path, vanished(err))
	}
	defer l.in.close()
	if err := l.in.enter(); err != nil {
		return l.tree.fail(l.at.path, vanished(err))
	}
	if l.at.id, err = l.in.check(l.at.id); err != nil {
		return l.tree.fail(l.at.path, err)
	}
	for err == nil {
		var entries []fs.DirEntry
		if entries, err = l.in.entries(l.room, l.at.path); err != nil && err != io.EOF {
			return l.tree.fail(l.at.path, vanished(err))
		}
		l.found.files = slices.Grow(l.found.files, len(entries))
		for _, e := range entries {
			if err := l.entry(e); err != nil {
				return err
			}
			if ctx.Err() != nil { // a link may take long
				return ctx.Err()
			}
		}
		if l.found.weight > l.settings.resources { // a directory may have no end
			return l.tooMany(l.at)
		}
	}
	return nil
}

func (l *lister) entry(e fs.DirEntry) error {
	p := l.pathOf(e)
	l.found.weight += weight(p)
	if l.ignores(p) {
		if e.IsDir() {
			p += "/"
		}
		l.ignored = append(l.ignored, p)
		return nil
	}
	bad := checkEntry(p, e.Name())
	if !l.lists(p) && !l.leads(p) {
		l.passBy(e, p, bad)
		return nil
	}
	if bad != nil {
		return l.tree.fail(l.at.path, bad)
	}
	s, err := l.status(e)
	switch {
	case errors.Is(err, ErrSymlink): // of a Snapshot: what it leads to was not there before either
		return l.tree.fail(p, err)
	case err != nil:
		return l.tree.fail(p, vanished(err))
	}
	links := l.at.links
	if s.mode&fs.ModeSymlink != 0 {
		links++
		if s, err = l.link(p); err != nil {
			return l.tree.fail(p, err)
		}
	}
	switch {
	case s.mode.IsDir() && strings.Count(p, "/") >= maxDepth:
		return l.tree.fail(p, fmt.Errorf("%w: directories are nested more than %d deep", ErrName, maxDepth))
	case s.mode.IsDir():
		l.places = append(l.places, &place{path: p, id: s.id, above: l.at, links: links, strict: true})
	case !s.mode.IsRegular():
		return l.tree.fail(p, ErrNotRegular)
	case s.size < 0 && s.stamp != unseen:
		return l.tree.fail(p, errSize)
	case !l.lists(p):
		if !l.parts {
			l.unlisted = append(l.unlisted, p)
		}
	default:
		l.found.files = append(l.found.files, file{path: p, stamp: s.stamp})
	}
	return nil
}

func (l *lister) pathOf(e fs.DirEntry) string {
	if local, ok := e.(*localEntry); ok {
		return local.path
	}
	return below(l.at.path, e.Name())
}

// status describes an entry without following it if it is a link. What the directory says is enough of a regular file
// if its stamp is taken when it is opened.
func (l *lister) status(e fs.DirEntry) (status, error) {
	if local, ok := e.(*localEntry); ok && local.kind == regular && l.late {
		return status{stamp: unseen}, nil
	}
	return l.in.lstat(e)
}

// passBy lists an entry that is not on the way to any file of SetOnly.
func (l *lister) passBy(e fs.DirEntry, p string, bad error) {
	if l.parts {
		return
	}
	if e.IsDir() && bad == nil && strings.Count(p, "/") < maxDepth {
		l.places = append(l.places, &place{path: p, above: l.at, links: l.at.links})
	} else {
		l.unlisted = append(l.unlisted, p)
	}
}

// below does not clean the path as path.Join does, which would take a bad name for another one.
func below(dir, name string) string {
	if dir == "." {
		return name
	}
	return dir + "/" + name
}

// checkEntry reports why an entry of a directory may not have this name, or this path. A file system may say anything.
func checkEntry(path, name string) error {
	err := manifest.CheckPath(name)
	switch {
	case strings.Contains(name, "/"):
		err = fmt.Errorf("name %.200q holds a slash", name)
	case len(path) > maxPath:
		err = fmt.Errorf("path of the file %.200q is longer than %d bytes", name, maxPath)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrName, err)
	}
	return nil
}

// link returns what the link at p leads to.
func (l *lister) link(p string) (status, error) {
	if !l.serialization.AllowSymlinks {
		return status{}, fmt.Errorf("%w: links are not allowed", ErrSymlink)
	}
	s, err := described(fs.Stat(l.tree.fsys, p))
	if err != nil {
		return status{}, fmt.Errorf("%w leads nowhere: %w", ErrSymlink, bare(err))
	}
	if target, out := l.tree.outside(p); out && l.confined {
		return status{}, fmt.Errorf("%w leads out of the model, which the signature alone can't allow", ErrSymlink)
	} else if out {
		l.logger.Warn("symbolic link leads out of the model", "path", p, "target", target)
	}
	if !s.mode.IsDir() {
		return s, nil
	}
	for up := l.at; up != nil && s.id.known(); up = up.above {
		if up.id.known() && s.id.same(up.id) {
			return status{}, fmt.Errorf("%w leads back to %s, which it is in", ErrSymlink, up.path)
		}
	}
	if l.at.links >= maxLinks {
		return status{}, fmt.Errorf("%w after %d others, which is too many", ErrSymlink, l.at.links)
	}
	return s, nil
}
