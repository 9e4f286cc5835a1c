package blake3lanes_test

import (
	"os"
	"syscall"
	"testing"

	"lukechampine.com/blake3/guts"

	"github.com/modelsigning/modelsigning/internal/blake3lanes"
)

// Not one byte before or after the data is read, although blocks are loaded ahead.
func TestBounds(t *testing.T) {
	const most = 4 * blake3lanes.Leaf
	page := os.Getpagesize()
	mem, err := syscall.Mmap(-1, 0, page+most+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(mem)
	for _, fence := range [][]byte{mem[:page], mem[page+most:]} {
		if err := syscall.Mprotect(fence, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	inside := mem[page:][:most]
	copy(inside, random(3, most))
	eachWay(t, func(t *testing.T) {
		var s blake3lanes.Scratch
		for size := blake3lanes.Leaf; size <= most; size *= 2 {
			for _, data := range [][]byte{inside[:size], inside[most-size:]} {
				counter := uint64(size / guts.ChunkSize)
				if got, want := blake3lanes.Subtree(&s, data, counter), want(data, counter); got != want {
					t.Errorf("%d bytes: got %x, want %x", size, got, want)
				}
			}
		}
	})
}
