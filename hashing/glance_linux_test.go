package hashing_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

const glanceable = 128 << 10

// glanceDir returns a directory of a file system that glances are for.
func glanceDir(t *testing.T) string {
	dir := t.TempDir()
	var st unix.Statfs_t
	must(t, unix.Statfs(dir, &st))
	switch uint32(st.Type) {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC:
		return dir
	}
	t.Skipf("%s is on a file system of type %#x; set TMPDIR to a directory on ext4, XFS or Btrfs", dir, st.Type)
	return ""
}

func TestGlance(t *testing.T) {
	dir := glanceDir(t)
	contents := map[string]string{"empty": "", "one": "1", "most": strings.Repeat("m", glanceable),
		"written": "w", "touched": "t", "linked": "l", "replaced": "r"}
	made := time.Now()
	for name, content := range contents {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666))
		if _, ok := glance(t, dir, name, made); ok {
			t.Errorf("%s: a file that was just made is not looked at again", name)
		}
	}
	must(t, os.WriteFile(filepath.Join(dir, "more"), make([]byte, glanceable+1), 0o666))
	must(t, os.Mkdir(filepath.Join(dir, "dir"), 0o777))
	must(t, syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o666))
	must(t, os.WriteFile(filepath.Join(dir, "other"), []byte("o"), 0o666))
	settle()
	for name, content := range contents {
		if got, ok := glance(t, dir, name, time.Now()); !ok || string(got) != content {
			t.Errorf("%s: got %.10q, %v", name, got, ok)
		}
		if _, ok := glance(t, dir, name, time.Now().Add(time.Hour)); ok {
			t.Errorf("%s: clock was set back, and yet it says that nothing changed", name)
		}
		if _, ok, _ := hashing.Glance(dir, name, time.Now(), true); ok {
			t.Errorf("%s: it is of a file system that nothing is known of", name)
		}
	}
	changed := time.Now()
	long := changed.Add(-time.Hour)
	must(t, os.Chtimes(filepath.Join(dir, "touched"), long, long))
	must(t, os.WriteFile(filepath.Join(dir, "written"), []byte("W"), 0o666))
	must(t, os.Chtimes(filepath.Join(dir, "written"), long, long))
	must(t, os.Link(filepath.Join(dir, "linked"), filepath.Join(dir, "linked too")))
	must(t, os.Rename(filepath.Join(dir, "other"), filepath.Join(dir, "replaced")))
	for _, name := range []string{"more", "dir", "fifo", "touched", "written", "linked", "linked too", "replaced"} {
		if got, ok := glance(t, dir, name, changed); ok {
			t.Errorf("%s: got %.10q", name, got)
		}
	}
}

// Only what is read of a file that turns out to be too large for a glance shows that there was one.
func TestGlanceIsUsed(t *testing.T) {
	dir := glanceDir(t)
	const size = 1 << 20
	must(t, os.WriteFile(filepath.Join(dir, "large"), make([]byte, size), 0o666))
	for _, c := range []struct {
		name   string
		config hashing.Configuration
		want   int64
	}{
		{"default", hashing.Config(), size + glanceable + 1},
		{"small chunks", hashing.Config().UseFileSerialization(hashing.Files{ChunkSize: glanceable / 2}), size},
		{"sizes are known", hashing.Config().SetProgress(func(hashing.Progress) {}), size},
		{"links", hashing.Config().SetAllowSymlinks(true), size},
	} {
		before := bytesRead(t)
		_, err := c.config.Hash(dir)
		must(t, err)
		// Counting reads a little, too.
		if got := bytesRead(t) - before; got < c.want || got > c.want+4<<10 {
			t.Errorf("%s: %d bytes were read, want %d", c.name, got, c.want)
		}
	}
}

// bytesRead returns how many bytes this process has read with system calls.
func bytesRead(t *testing.T) (n int64) {
	io, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Skip("the system does not count: ", err)
	}
	if _, err := fmt.Sscanf(string(io), "rchar: %d", &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func glance(t *testing.T, dir, name string, now time.Time) ([]byte, bool) {
	data, ok, err := hashing.Glance(dir, name, now, false)
	must(t, err)
	return data, ok
}

// Whether files are looked at once or twice changes nothing.
func TestGlanceChangesNothing(t *testing.T) {
	root := filepath.Join(glanceDir(t), "model")
	files := map[string]int{}
	for _, size := range []int{0, 1, 63, 64, 65, 4095, 4096, 4097, 65536, glanceable - 1, glanceable, glanceable + 1, 1 << 20} {
		for _, dir := range []string{".", "1/2", "3"} {
			files[filepath.Join(dir, fmt.Sprintf("f%07d", size))] = size // those that end the glances come last
		}
	}
	var want []string
	for name, size := range files {
		p := filepath.Join(root, name)
		must(t, os.MkdirAll(filepath.Dir(p), 0o777))
		content := bytes.Repeat([]byte(name), size/len(name)+1)[:size]
		must(t, os.WriteFile(p, content, 0o666))
		want = append(want, filepath.ToSlash(name)+" "+digest(manifest.SHA256, content))
	}
	slices.Sort(want)
	open := openFiles()
	settle()
	for _, chunk := range []int{0, 4096, 1 << 20} {
		got, err := hashing.Config().UseFileSerialization(hashing.Files{ChunkSize: chunk}).Hash(root)
		must(t, err)
		equal(t, "resources", lines(got), want)
	}
	if n := openFiles(); n != open {
		t.Errorf("%d files are open, there were %d before", n, open)
	}
}
