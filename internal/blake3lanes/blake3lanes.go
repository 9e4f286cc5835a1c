// Package blake3lanes computes subtrees of BLAKE3, sixteen chunks at once where the CPU has AVX-512 F and VL, and
// with package guts elsewhere or under the build tag purego.
//
// The kernels load rows and transpose them in registers: package guts gathers words, which is slow on the many CPUs
// whose gather instruction was made safe in microcode. They join parents sixteen at a time, too.
package blake3lanes

// Generators are a module of their own. go -C ../lanesgen test ./... checks that what they write is what is committed.
//go:generate go -C ../lanesgen/blake3lanes run .

import "lukechampine.com/blake3/guts"

const (
	// Leaf is the size of the smallest subtree.
	Leaf = 16 * guts.ChunkSize
	// MaxSubtree is the size of the largest.
	MaxSubtree = 1 << 20
)

// Scratch is memory for Subtree. The zero value is ready to be used, by one goroutine at a time.
type Scratch struct {
	groups [MaxSubtree / Leaf][8][16]uint32 // word by word, of sixteen nodes each
	blocks [33][16]uint32                   // of each of sixteen chunks, and the next ones, from the first cache line on
}

// Subtree returns the chaining value of the subtree over data, whose first chunk has the number counter. The size of
// data is Leaf or a power of two times that, at most MaxSubtree, and counter is a multiple of its chunks.
func Subtree(s *Scratch, data []byte, counter uint64) [8]uint32 {
	n := len(data) / Leaf
	if len(data)%Leaf != 0 || n&(n-1) != 0 || n == 0 || n > len(s.groups) || counter%uint64(16*n) != 0 {
		panic("blake3lanes: not a subtree")
	}
	if useLanes {
		return s.lanes(data, counter)
	}
	return serial(data, counter)
}

func serial(data []byte, counter uint64) [8]uint32 {
	if len(data) == Leaf {
		return guts.ChainingValue(guts.CompressBuffer((*[Leaf]byte)(data), Leaf, &guts.IV, counter, 0))
	}
	half := len(data) / 2
	left, right := serial(data[:half], counter), serial(data[half:], counter+uint64(half/guts.ChunkSize))
	return guts.ChainingValue(guts.ParentNode(left, right, &guts.IV, 0))
}
