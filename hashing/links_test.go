package hashing_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
)

var linkCases = []struct {
	name  string
	files map[string]string
	bad   string   // how the path that the error names ends, when links are followed
	want  []string // with links followed
}{
	{"file", map[string]string{"f": "1", "l": "-> f"}, "", wants("f", "1", "l", "1")},
	{"directory", map[string]string{"d/f": "1", "l": "-> d"}, "", wants("d/f", "1", "l/f", "1")},
	{"chain", map[string]string{"f": "1", "l": "-> m", "m": "-> f"}, "", wants("f", "1", "l", "1", "m", "1")},
	{"upwards but no cycle", map[string]string{"a/f": "1", "b/l": "-> ../a"}, "", wants("a/f", "1", "b/l/f", "1")},
	{"dangling", map[string]string{"f": "1", "l": "-> nothing"}, "l", nil},
	{"to itself", map[string]string{"f": "1", "l": "-> l"}, "l", nil},
	{"cycle to the root", map[string]string{"d/f": "1", "d/l": "-> .."}, "d/l", nil},
	{"cycle to its directory", map[string]string{"d/f": "1", "d/l": "-> ."}, "d/l", nil},
	{"cycle of two", map[string]string{"a/l": "-> ../b", "b/f": "1", "b/l": "-> ../a"}, "/l/l", nil},
}

func TestLinks(t *testing.T) {
	for _, c := range linkCases {
		t.Run(c.name, func(t *testing.T) {
			root := write(t, c.files)
			_, err := hashing.Hash(root)
			var pe *fs.PathError
			if !errors.Is(err, hashing.ErrSymlink) || !errors.As(err, &pe) || !strings.HasSuffix(pe.Path, "l") {
				t.Errorf("links refused: got %v", err)
			}
			m, err := hashing.Config().SetAllowSymlinks(true).Hash(root)
			if c.bad != "" {
				if !errors.Is(err, hashing.ErrSymlink) || !errors.As(err, &pe) || !strings.HasSuffix(filepath.ToSlash(pe.Path), c.bad) {
					t.Errorf("links followed: got %v, want an error about %s", err, c.bad)
				}
				return
			}
			must(t, err)
			equal(t, "links followed", lines(m), c.want)
			if !m.Serialization.AllowSymlinks {
				t.Error("the serialization does not say that links were followed")
			}
		})
	}
}

func TestDanglingLinkIsNotExist(t *testing.T) {
	root := write(t, map[string]string{"l": "-> nothing"})
	if _, err := hashing.Config().SetAllowSymlinks(true).Hash(root); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestLinkOutOfModel(t *testing.T) {
	root := write(t, map[string]string{"in": "-> sub/f", "sub/f": "1", "out": "-> ../f", "dir": "-> ../d"})
	must(t, os.WriteFile(filepath.Join(root, "../f"), []byte("2"), 0o666))
	must(t, os.Mkdir(filepath.Join(root, "../d"), 0o777))
	must(t, os.WriteFile(filepath.Join(root, "../d/g"), []byte("3"), 0o666))
	var log bytes.Buffer
	c := hashing.Config().SetAllowSymlinks(true).SetLogger(slog.New(slog.NewJSONHandler(&log, nil)))
	m, err := c.Hash(root)
	must(t, err)
	equal(t, "resources", lines(m), wants("dir/g", "3", "in", "1", "out", "2", "sub/f", "1"))
	got := log.String()
	if strings.Count(got, "\n") != 2 || !strings.Contains(got, `"path":"out"`) || !strings.Contains(got, `"path":"dir"`) {
		t.Errorf("the log is %s", got)
	}
}

func TestRootMayBeLink(t *testing.T) {
	root := write(t, map[string]string{"model/f": "1", "link": "-> model"})
	m, err := hashing.Hash(filepath.Join(root, "link"))
	must(t, err)
	equal(t, "resources", lines(m), wants("f", "1"))
	if m.Name != "link" {
		t.Errorf("name is %q", m.Name)
	}
}

// TestDotsAfterLink wants the directory that the system finds, not the one that cutting the path finds.
func TestDotsAfterLink(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the system cuts the path too")
	}
	root := write(t, map[string]string{"f": "wrong", "x/y/z": "1", "x/f": "right", "link": "-> x/y"})
	up := root + "/link/.."
	for _, c := range []hashing.Configuration{hashing.Config(), hashing.Config().SetAllowSymlinks(true)} {
		m, err := c.Hash(up)
		must(t, err)
		equal(t, "resources", lines(m), wants("f", "right", "y/z", "1"))
		m, err = c.Hash(up + "/f")
		must(t, err)
		equal(t, "file", lines(m), wants("f", "right"))
	}
}
