package blake3lanes_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"lukechampine.com/blake3"
	"lukechampine.com/blake3/guts"

	"github.com/modelsigning/modelsigning/internal/blake3lanes"
)

func random(seed byte, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// want is the chaining value by way of package guts, chunk by chunk.
func want(data []byte, counter uint64) [8]uint32 {
	if len(data) == guts.ChunkSize {
		return guts.ChainingValue(guts.CompressChunk(data, &guts.IV, counter, 0))
	}
	half := len(data) / 2
	left, right := want(data[:half], counter), want(data[half:], counter+uint64(half/guts.ChunkSize))
	return guts.ChainingValue(guts.ParentNode(left, right, &guts.IV, 0))
}

func eachWay(t *testing.T, f func(t *testing.T)) {
	if blake3lanes.HasLanes() {
		t.Run("lanes", f)
	}
	t.Run("serial", func(t *testing.T) {
		blake3lanes.WithoutLanes(t)
		f(t)
	})
}

func TestSubtree(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		var s blake3lanes.Scratch
		buf := random(1, blake3lanes.MaxSubtree+64)
		for size := blake3lanes.Leaf; size <= blake3lanes.MaxSubtree; size *= 2 {
			chunks := uint64(size / guts.ChunkSize)
			for _, counter := range []uint64{0, chunks, 1<<32 - chunks, 1 << 32, 1<<54 - chunks} {
				for _, offset := range []int{0, 1, 63} {
					data := buf[offset:][:size]
					if got, want := blake3lanes.Subtree(&s, data, counter), want(data, counter); got != want {
						t.Fatalf("%d bytes from chunk %d, offset %d: got %x, want %x", size, counter, offset, got, want)
					}
				}
			}
		}
	})
}

// The root over two subtrees is the digest that everybody knows.
func TestRoot(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		var s blake3lanes.Scratch
		data := random(2, 2*blake3lanes.Leaf)
		left := blake3lanes.Subtree(&s, data[:blake3lanes.Leaf], 0)
		right := blake3lanes.Subtree(&s, data[blake3lanes.Leaf:], 16)
		root := guts.CompressNode(guts.ParentNode(left, right, &guts.IV, guts.FlagRoot))
		sum := guts.WordsToBytes(root)
		if got, want := [32]byte(sum[:32]), blake3.Sum256(data); got != want {
			t.Errorf("got %x, want %x", got, want)
		}
	})
}

// The kernels write into the scratch alone, although they align what they use of it.
func TestScratch(t *testing.T) {
	var room struct {
		before uint32
		s      blake3lanes.Scratch
		after  [32]uint32
	}
	data := random(4, blake3lanes.Leaf)
	if got, want := blake3lanes.Subtree(&room.s, data, 0), want(data, 0); got != want {
		t.Errorf("got %x, want %x", got, want)
	}
	if room.before != 0 || room.after != [32]uint32{} {
		t.Error("written outside")
	}
}

func TestRefuses(t *testing.T) {
	for _, c := range []struct {
		size    int
		counter uint64
	}{{0, 0}, {1, 0}, {blake3lanes.Leaf + 1, 0}, {3 * blake3lanes.Leaf, 0}, {2 * blake3lanes.MaxSubtree, 0},
		{blake3lanes.Leaf, 8}, {2 * blake3lanes.Leaf, 16}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%d bytes from chunk %d are taken for a subtree", c.size, c.counter)
				}
			}()
			blake3lanes.Subtree(new(blake3lanes.Scratch), make([]byte, c.size), c.counter)
		}()
	}
}

func FuzzSubtree(f *testing.F) {
	f.Add([]byte("seed"), uint8(3), uint64(1))
	f.Fuzz(func(t *testing.T, seed []byte, k uint8, at uint64) {
		data := make([]byte, blake3lanes.Leaf<<(k%4))
		for i := range data {
			data[i] = byte(i * i)
			if len(seed) > 0 {
				data[i] ^= seed[i%len(seed)]
			}
		}
		counter := at % (1 << 40) * uint64(len(data)/guts.ChunkSize)
		if got, want := blake3lanes.Subtree(new(blake3lanes.Scratch), data, counter), want(data, counter); got != want {
			t.Errorf("got %x, want %x", got, want)
		}
	})
}

func BenchmarkSubtree(b *testing.B) {
	var s blake3lanes.Scratch
	for size := blake3lanes.Leaf; size <= blake3lanes.MaxSubtree; size *= 8 {
		data := make([]byte, size)
		run := func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				blake3lanes.Subtree(&s, data, 0)
			}
		}
		b.Run(fmt.Sprintf("%dKiB", size>>10), run)
		b.Run(fmt.Sprintf("%dKiB/serial", size>>10), func(b *testing.B) {
			blake3lanes.WithoutLanes(b)
			run(b)
		})
	}
}
