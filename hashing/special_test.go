//go:build linux

package hashing_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
)

func init() {
	changes["made a FIFO"] = func(p string) error {
		os.Remove(p)
		return syscall.Mkfifo(p, 0o666)
	}
}

func TestNotRegular(t *testing.T) {
	make := map[string]func(path string) error{
		"fifo":   func(p string) error { return syscall.Mkfifo(p, 0o666) },
		"device": func(p string) error { return syscall.Mknod(p, syscall.S_IFCHR|0o600, 1<<8|3) },
		"socket": func(p string) error {
			l, err := net.Listen("unix", p)
			if err == nil {
				t.Cleanup(func() { l.Close() })
			}
			return err
		},
	}
	for what, create := range make {
		t.Run(what, func(t *testing.T) {
			root := write(t, map[string]string{"d/f": "1"})
			t.Chdir(root)
			if err := create("d/x"); err != nil {
				t.Skip("may not be made here: ", err)
			}
			c := hashing.Config()
			for _, c := range []hashing.Configuration{c, c.SetAllowSymlinks(true), c.SetOnly("d/x/y"), c.SetOnly("d/x")} {
				_, err := c.Report(context.Background(), root)
				var pe *fs.PathError
				if !errors.Is(err, hashing.ErrNotRegular) || !errors.As(err, &pe) || pe.Path != filepath.Join(root, "d/x") {
					t.Errorf("got %v", err)
				}
			}
			for _, c := range []hashing.Configuration{c.AddIgnoredPaths("d/x"), c.SetOnly("d/f")} {
				r, err := c.Report(context.Background(), root)
				must(t, err)
				equal(t, "resources", lines(r.Manifest), wants("d/f", "1"))
			}
			if _, err := c.Hash("d/x"); !errors.Is(err, hashing.ErrNotRegular) {
				t.Errorf("as the model: got %v", err)
			}
		})
	}
}

func TestLinkToDevice(t *testing.T) {
	root := write(t, map[string]string{"l": "-> /dev/null"})
	if _, err := hashing.Config().SetAllowSymlinks(true).Hash(root); !errors.Is(err, hashing.ErrNotRegular) {
		t.Errorf("got %v", err)
	}
}

func TestNames(t *testing.T) {
	good := map[string]string{"a b": "1", "new\nline": "2", "back\\slash": "3", "co:l:on": "4", "-": "5", "...": "6"}
	root := write(t, good)
	m, err := hashing.Hash(root)
	must(t, err)
	equal(t, "resources", lines(m), wants("-", "5", "...", "6", "a b", "1", "back\\slash", "3", "co:l:on", "4", "new\nline", "2"))

	must(t, os.WriteFile(filepath.Join(root, "bad\xff"), nil, 0o666))
	if _, err := hashing.Hash(root); err == nil || !strings.Contains(err.Error(), `"bad\xff" is not valid UTF-8`) {
		t.Errorf("got %v", err)
	}
	r, err := hashing.Config().SetOnly("-").Report(context.Background(), root)
	must(t, err)
	equal(t, "resources", lines(r.Manifest), wants("-", "5"))
	equal(t, "unlisted", r.Unlisted, []string{"...", "a b", "back\\slash", "bad\xff", "co:l:on", "new\nline"})
}
