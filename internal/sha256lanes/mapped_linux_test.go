package sha256lanes_test

import (
	"bytes"
	"crypto/sha256"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"

	"github.com/modelsigning/modelsigning/internal/sha256lanes"
)

func mmap(t *testing.T, fd, size, prot, flags int) []byte {
	t.Helper()
	mem, err := syscall.Mmap(fd, 0, size, prot, flags)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(mem) })
	return mem
}

// fenced returns a page between two that cannot be read.
func fenced(t *testing.T) []byte {
	t.Helper()
	page := os.Getpagesize()
	mem := mmap(t, -1, 3*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	for _, fence := range [][]byte{mem[:page], mem[2*page:]} {
		if err := syscall.Mprotect(fence, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return mem[page : 2*page]
}

// Not one byte before or after the data is read.
func TestBounds(t *testing.T) {
	page := fenced(t)
	copy(page, random(1, len(page)))
	eachKernel(t, func(t *testing.T) {
		for n := 1; n <= sha256lanes.MaxLanes; n++ {
			for _, length := range append(lengths, len(page)) {
				messages := make([][]byte, n)
				for i := range messages {
					messages[i] = page[:length]
					if i%2 == 1 {
						messages[i] = page[len(page)-length:]
					}
				}
				checkMany(t, messages)
				checkAdvance(t, messages)
			}
		}
	})
}

// A mapped file that is truncated while it is hashed costs the streams of that call, and nothing else.
func TestTruncatedFile(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		for n := 1; n <= sha256lanes.MaxLanes; n++ {
			truncated(t, n)
		}
	})
}

func truncated(t *testing.T, n int) {
	data := make([][]byte, n)
	streams := make([]*sha256lanes.Stream, n)
	for i := range data {
		streams[i] = new(sha256lanes.Stream)
		data[i] = random(uint64(i), 16*4096)
	}
	data[n-1] = vanishing(t, 16*4096)

	if !faults(func() { sha256lanes.Advance(streams, data) }) {
		t.Fatalf("%d streams: no fault", n)
	}
	for i, s := range streams {
		if !faults(func() { s.Sum(nil) }) {
			t.Errorf("%d streams: stream %d can be used", n, i)
		}
	}
	data[n-1] = random(99, 1024)
	for _, s := range streams {
		*s = sha256lanes.Stream{}
	}
	sha256lanes.Advance(streams, data)
	for i, s := range streams {
		if got, want := s.Sum(nil), sha256.Sum256(data[i]); got != want {
			t.Errorf("%d streams: stream %d: got %x, want %x", n, i, got, want)
		}
	}
}

// vanishing returns a mapped file of which half is gone.
func vanishing(t *testing.T, size int) []byte {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "model"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(bytes.Repeat([]byte{1}, size)); err != nil {
		t.Fatal(err)
	}
	mem := mmap(t, int(f.Fd()), size, syscall.PROT_READ, syscall.MAP_SHARED)
	if err := f.Truncate(int64(size / 2)); err != nil {
		t.Fatal(err)
	}
	return mem
}

// faults reports whether f panics. While it does, it makes the runtime walk over the frame that faulted, and
// move the stack with it.
func faults(f func()) (faulted bool) {
	done := make(chan bool)
	go func() { // on a fresh, small stack
		debug.SetPanicOnFault(true)
		defer func() {
			runtime.GC()
			deep(1000)
			debug.Stack()
			done <- recover() != nil
		}()
		f()
	}()
	return <-done
}

//go:noinline
func deep(n int) byte {
	var buf [256]byte
	if n > 0 {
		buf[n%256] = deep(n - 1)
	}
	return buf[0]
}
