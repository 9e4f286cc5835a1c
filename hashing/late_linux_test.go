package hashing_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// A moment is a logger that does something, once, while a tree is listed: when a link out of the model is met.
type moment struct {
	slog.Handler
	do func()
}

func (m *moment) Handle(context.Context, slog.Record) error {
	if m.do != nil {
		m.do()
		m.do = nil
	}
	return nil
}

// swaps are what may happen to a small file after its directory was read and before it is opened.
var swaps = map[string]struct {
	swap func(p string) error
	want error // nil if what is there then is hashed
}{
	"removed": {os.Remove, hashing.ErrChanged},
	"made a directory": {func(p string) error {
		return errors.Join(os.Remove(p), os.Mkdir(p, 0o777))
	}, hashing.ErrChanged},
	"made a FIFO": {func(p string) error {
		return errors.Join(os.Remove(p), syscall.Mkfifo(p, 0o666))
	}, hashing.ErrChanged},
	"made a device": {func(p string) error {
		return errors.Join(os.Remove(p), syscall.Mknod(p, syscall.S_IFCHR|0o600, 1<<8|5))
	}, hashing.ErrChanged},
	"made a link out of the model": {func(p string) error {
		return errors.Join(os.Remove(p), os.Symlink(os.Args[0], p))
	}, hashing.ErrChanged},
	"made a link into the model": {func(p string) error {
		return errors.Join(os.Remove(p), os.Symlink("other", p))
	}, hashing.ErrChanged},
	"truncated": {func(p string) error { return os.Truncate(p, 1) }, nil},
	"replaced": {func(p string) error {
		return errors.Join(os.WriteFile(p+"~", []byte("longer than it was"), 0o666), os.Rename(p+"~", p))
	}, nil},
	"made large": {func(p string) error { return os.WriteFile(p, make([]byte, 3<<20), 0o666) }, nil},
}

func TestSwappedBeforeOpening(t *testing.T) {
	for what, c := range swaps {
		t.Run(what, func(t *testing.T) {
			root := write(t, map[string]string{"d/a": "victim", "d/other": "other", "d/z": "-> " + os.Args[0]})
			p := filepath.Join(root, "d/a")
			var failed error
			during := &moment{slog.DiscardHandler, func() { failed = c.swap(p) }}
			open := openFiles()
			m, err := hashing.Config().SetAllowSymlinks(true).SetLogger(slog.New(logs{during})).Hash(root)
			if n := openFiles(); n != open {
				t.Errorf("%d files are open, there were %d before", n, open)
			}
			if errors.Is(failed, fs.ErrPermission) && os.Getuid() != 0 {
				t.Skip("only root may make one: ", failed)
			}
			must(t, failed)
			var pe *fs.PathError
			if c.want != nil {
				if !errors.Is(err, c.want) || !errors.As(err, &pe) || pe.Path != p {
					t.Errorf("got %v, want that %s changed", err, p)
				}
				return
			}
			must(t, err)
			now, err := os.ReadFile(p)
			must(t, err)
			if got := m.Resources[0]; got.Path != "d/a" || got.Digest.Hex != digest(manifest.SHA256, now) {
				t.Errorf("got %v, want the digest of what is there now", got)
			}
		})
	}
}

// logs makes every level pass.
type logs struct{ *moment }

func (logs) Enabled(context.Context, slog.Level) bool { return true }

// A directory that takes the place of one that was listed is not hashed under its names.
func TestDirectorySwapped(t *testing.T) {
	for what, swap := range map[string]func(d string) error{
		"by another": func(d string) error {
			return errors.Join(os.Rename(d, d+".old"), os.Rename(d+".new", d))
		},
		"by a link": func(d string) error {
			return errors.Join(os.Rename(d, d+".old"), os.Symlink(d+".new", d))
		},
		"by a file": func(d string) error { return errors.Join(os.RemoveAll(d), os.WriteFile(d, nil, 0o666)) },
		"by a FIFO": func(d string) error { return errors.Join(os.RemoveAll(d), syscall.Mkfifo(d, 0o666)) },
		"removed":   os.RemoveAll,
	} {
		t.Run(what, func(t *testing.T) {
			root := write(t, map[string]string{"d/a": "1", "d/z": "-> " + os.Args[0]})
			d := filepath.Join(root, "d")
			must(t, os.Mkdir(d+".new", 0o777))
			must(t, os.WriteFile(filepath.Join(d+".new", "a"), []byte("2"), 0o666))
			c := hashing.Config().AddIgnoredPaths("d.new", "d.old").SetAllowSymlinks(true)
			m, err := c.SetLogger(slog.New(logs{&moment{slog.DiscardHandler, func() {
				if err := swap(d); err != nil {
					t.Error(err)
				}
			}}})).Hash(root)
			var pe *fs.PathError
			if !errors.Is(err, hashing.ErrChanged) || !errors.As(err, &pe) || !strings.HasPrefix(pe.Path, d) {
				t.Errorf("got %v, %v, want that %s changed", m, err, d)
			}
		})
	}
}

// Files that may not be read are said to be that, and not to have changed.
func TestUnreadable(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root reads everything")
	}
	root := write(t, map[string]string{"a": "1"})
	must(t, os.Chmod(filepath.Join(root, "a"), 0))
	if _, err := hashing.Hash(root); !errors.Is(err, fs.ErrPermission) || errors.Is(err, hashing.ErrChanged) {
		t.Errorf("got %v", err)
	}
}

// Files of these file systems hold more or less than they say.
func TestSizesOfTheSystem(t *testing.T) {
	for _, name := range []string{"/proc/filesystems", "/sys/kernel/mm/transparent_hugepage"} { // every Linux has the first
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			t.Log("there is no ", name)
			continue
		}
		if m, err := hashing.Hash(name); !errors.Is(err, hashing.ErrChanged) {
			t.Errorf("%s: got %v, %v", name, m, err)
		}
	}
}

// Directories are read piece by piece, with names of all lengths.
func TestLongDirectory(t *testing.T) {
	files := map[string]string{}
	var want []string
	for i := range 900 {
		name := fmt.Sprintf("%03d%s", i, strings.Repeat("n", i%253))
		files[name] = name
		want = append(want, name+" "+digest(manifest.SHA256, []byte(name)))
	}
	slices.Sort(want)
	m, err := hashing.Hash(write(t, files))
	must(t, err)
	equal(t, "resources", lines(m), want)
}
