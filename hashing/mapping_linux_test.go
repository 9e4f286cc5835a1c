package hashing_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// However many streams there are, and however they end, a worker maps 16 MiB at most, and a few pages.
func TestMapped(t *testing.T) {
	root := glanceDir(t)
	for i, mib := range []int{24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 12, 12, 12, 12, 12, 12, 60} {
		p := filepath.Join(root, fmt.Sprint(i))
		must(t, os.WriteFile(p, nil, 0o666))
		must(t, os.Truncate(p, int64(mib)<<20))
	}
	for _, c := range []hashing.Configuration{
		hashing.Config(),
		hashing.Config().SetAllowSymlinks(true),
		hashing.Config().UseFileSerialization(hashing.Files{Algorithm: manifest.BLAKE3}),
	} {
		for _, workers := range []int{1, 2} {
			most := 0
			_, err := c.SetMapped(true).SetMaxWorkers(workers).SetProgress(func(hashing.Progress) {
				most = max(most, mapped(t, root))
			}).Hash(root)
			must(t, err)
			if left := mapped(t, root); left > 0 {
				t.Errorf("%d bytes are still mapped", left)
			}
			if limit := workers * (16<<20 + 32*os.Getpagesize()); most == 0 || most > limit {
				t.Errorf("%d bytes were mapped by %d workers, want up to %d", most, workers, limit)
			}
		}
	}
}

// mapped returns how many bytes of files below root are mapped.
func mapped(t *testing.T, root string) (n int) {
	maps, err := os.ReadFile("/proc/self/maps")
	must(t, err)
	for line := range bytes.Lines(maps) {
		if strings.Contains(string(line), root) {
			var from, to int64
			_, err := fmt.Sscanf(string(line), "%x-%x", &from, &to)
			must(t, err)
			n += int(to - from)
		}
	}
	return n
}

// What is in memory is used page by page; what is not there any more is no fault.
func TestTouch(t *testing.T) {
	const size = 1 << 20
	name := filepath.Join(glanceDir(t), "a")
	must(t, os.WriteFile(name, bytes.Repeat([]byte{1}, size), 0o666))
	f, err := os.Open(name)
	must(t, err)
	defer f.Close()
	inMemory, touched, err := hashing.Map(f, size)
	must(t, err)
	if !touched {
		t.Error("a file that is all there is not")
	}
	var stat unix.Cachestat_t
	if tells := unix.Cachestat(uint(f.Fd()), &unix.CachestatRange{}, &stat, 0) == nil; inMemory != tells { // before Linux 6.5 it does not
		t.Errorf("in memory: %v; the system tells what is: %v", inMemory, tells)
	}
	must(t, os.Truncate(name, size/2))
	_, touched, err = hashing.Map(f, size)
	must(t, err)
	if touched {
		t.Error("half of the file is gone, and all is there")
	}
}

// What can't be mapped is read as if nobody had asked for it: in pieces that stay in the cache.
func TestNotMapped(t *testing.T) {
	root := t.TempDir()
	for i := range 16 {
		must(t, os.WriteFile(filepath.Join(root, fmt.Sprint(i)), make([]byte, 2<<20), 0o666))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := hashing.Config().SetMapped(true).SetMaxWorkers(1).HashFS(t.Context(), os.DirFS(root), "model")
	must(t, err)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
		t.Errorf("%d bytes were allocated", n)
	}
}
