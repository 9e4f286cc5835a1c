package hashing

import (
	"encoding/binary"
	"math/bits"

	"lukechampine.com/blake3/guts"

	"github.com/modelsigning/modelsigning/internal/blake3lanes"
)

// blake3Piece is how much of a large resource one stream hashes with BLAKE3. A power of two and of many chunks,
// so that each piece is a subtree of its own.
const blake3Piece = 16 << 20

// A blake3 is the state of BLAKE3 over a resource, or over a piece of one from chunk base on. It is a hash.Hash.
//
// Sections 2.1 and 5.1.2 of the BLAKE3 paper describe the tree, and the stack of subtrees that are complete. Whole
// subtrees, as large as fit, are hashed at once; the rest is kept until more bytes follow or the end is reached.
type blake3 struct {
	base  uint64
	count uint64        // of leaves in the stack
	stack [55][8]uint32 // chaining values of subtrees, the largest first; the last two may yet be joined
	top   int           // of the stack
	buf   [blake3lanes.Leaf]byte
	n     int
	blake3lanes.Scratch
}

func (h *blake3) Size() int      { return 32 }
func (h *blake3) BlockSize() int { return guts.BlockSize }
func (h *blake3) Reset()         { h.base, h.count, h.top, h.n = 0, 0, 0, 0 }

func (h *blake3) Write(p []byte) (int, error) {
	size := len(p)
	if h.n > 0 {
		n := copy(h.buf[h.n:], p)
		h.n += n
		p = p[n:]
		if len(p) == 0 {
			return size, nil
		}
		h.push(h.buf[:])
		h.n = 0
	}
	for n := h.subtree(len(p)); n > 0; n = h.subtree(len(p)) {
		h.push(p[:n])
		p = p[n:]
	}
	h.n = copy(h.buf[:], p)
	return size, nil
}

// subtree returns the size of the largest subtree that may come next and fits into n bytes, or 0. At the beginning
// it must be less than n: if it stayed alone, its top would be the root, which is hashed in another way.
func (h *blake3) subtree(n int) int {
	if h.count == 0 {
		n--
	}
	if n < blake3lanes.Leaf {
		return 0
	}
	size := min(1<<(bits.Len(uint(n))-1), blake3lanes.MaxSubtree)
	if h.count > 0 {
		size = min(size, blake3lanes.Leaf<<min(bits.TrailingZeros64(h.count), 6))
	}
	return size
}

// push adds a subtree. Only then, when it is certain that they are not the root, are those before it joined.
func (h *blake3) push(data []byte) {
	h.join()
	h.stack[h.top] = blake3lanes.Subtree(&h.Scratch, data, h.chunk())
	h.top++
	h.count += uint64(len(data) / blake3lanes.Leaf)
}

// join joins subtrees until there is one for each bit of count.
func (h *blake3) join() {
	for ; h.top > bits.OnesCount64(h.count); h.top-- {
		left, right := h.stack[h.top-2], h.stack[h.top-1]
		h.stack[h.top-2] = guts.ChainingValue(guts.ParentNode(left, right, &guts.IV, 0))
	}
}

func (h *blake3) chunk() uint64 { return h.base + h.count*(blake3lanes.Leaf/guts.ChunkSize) }

// node returns the top of the tree over everything written.
func (h *blake3) node() guts.Node {
	if h.n == 0 && h.top > 1 {
		return h.fold(guts.ParentNode(h.stack[h.top-2], h.stack[h.top-1], &guts.IV, 0), h.top-2)
	}
	h.join()
	return h.fold(guts.CompressBuffer(&h.buf, h.n, &guts.IV, h.chunk(), 0), h.top)
}

// fold joins a node with the first subtrees of the stack, from the last on.
func (h *blake3) fold(n guts.Node, subtrees int) guts.Node {
	for i := subtrees - 1; i >= 0; i-- {
		n = guts.ParentNode(h.stack[i], guts.ChainingValue(n), &guts.IV, 0)
	}
	return n
}

// Sum appends the digest, as if what was written is the whole.
func (h *blake3) Sum(b []byte) []byte { return appendRoot(b, h.node()) }

func appendRoot(b []byte, n guts.Node) []byte {
	n.Flags |= guts.FlagRoot
	words := guts.CompressNode(n)
	for _, w := range words[:8] {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

// seek makes h the state of piece i of a resource, of which nothing is written yet.
func (h *blake3) seek(i int) {
	h.Reset()
	h.base = uint64(i) * (blake3Piece / guts.ChunkSize)
}

// joinBLAKE3 appends the digest of a resource from the chaining values of its pieces, at least two.
func joinBLAKE3(b []byte, pieces [][8]uint32) []byte {
	return appendRoot(b, join(pieces))
}

func join(pieces [][8]uint32) guts.Node {
	left := 1 << (bits.Len(uint(len(pieces)-1)) - 1) // the largest power of two that leaves something
	return guts.ParentNode(cv(pieces[:left]), cv(pieces[left:]), &guts.IV, 0)
}

func cv(pieces [][8]uint32) [8]uint32 {
	if len(pieces) == 1 {
		return pieces[0]
	}
	return guts.ChainingValue(join(pieces))
}
