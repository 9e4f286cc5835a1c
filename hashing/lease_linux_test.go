package hashing_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/modelsigning/modelsigning/hashing"
)

// A file server may hold a lease on a file that a client writes. Nothing waits for it, and the caller may try again.
func TestLease(t *testing.T) {
	for _, size := range []int{100, 300_000} {
		root := write(t, map[string]string{"a": "1", "leased": strings.Repeat("l", size)})
		f, err := os.OpenFile(filepath.Join(root, "leased"), os.O_RDWR, 0)
		must(t, err)
		defer f.Close()
		if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
			t.Fatalf("no lease on a file in %s: %v", root, err)
		}
		for _, c := range []hashing.Configuration{hashing.Config(), hashing.Config().SetAllowSymlinks(true)} {
			for _, model := range []string{root, filepath.Join(root, "leased")} {
				if _, err := c.Hash(model); !errors.Is(err, hashing.ErrChanged) || !strings.Contains(err.Error(), "lease") {
					t.Errorf("%s: got %v, want that it is changed", model, err)
				}
			}
		}
	}
}

// Who waits for a page of a mapped file holds up all, so that the file system must be one that answers.
func TestMappable(t *testing.T) {
	f, err := os.Open("/proc/self/maps")
	must(t, err)
	defer f.Close()
	if hashing.Mappable(f) {
		t.Error("a file of proc is mapped")
	}
	own, err := os.Create(filepath.Join(glanceDir(t), "f"))
	must(t, err)
	defer own.Close()
	if !hashing.Mappable(own) {
		t.Error("a file of a local file system is not mapped")
	}
}
