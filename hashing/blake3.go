package hashing

import (
	"encoding/binary"
	"math/bits"

	"lukechampine.com/blake3/guts"
)

// blake3Piece is how much of a large resource one stream hashes with BLAKE3. A power of two and of many chunks,
// so that each piece is a subtree of its own.
const blake3Piece = 16 << 20

const blake3Buffer = guts.MaxSIMD * guts.ChunkSize

// A blake3 is the state of BLAKE3 over a resource, or over a piece of one from chunk base on. It is a hash.Hash.
// The last buffer is held back until more bytes follow, since the root of the tree is hashed in another way.
//
// Sections 2.1 and 5.1.2 of the BLAKE3 paper describe the tree, and the stack of subtrees that are complete.
type blake3 struct {
	base  uint64
	count uint64        // of buffers in the stack
	stack [54][8]uint32 // chaining values of the complete subtrees, the largest first
	buf   [blake3Buffer]byte
	n     int
}

func (h *blake3) Size() int      { return 32 }
func (h *blake3) BlockSize() int { return guts.BlockSize }
func (h *blake3) Reset()         { h.base, h.count, h.n = 0, 0, 0 }

func (h *blake3) Write(p []byte) (int, error) {
	size := len(p)
	for len(p) > 0 {
		if h.n == len(h.buf) {
			h.push(&h.buf)
			h.n = 0
		}
		for h.n == 0 && len(p) > len(h.buf) {
			h.push((*[blake3Buffer]byte)(p))
			p = p[len(h.buf):]
		}
		n := copy(h.buf[h.n:], p)
		h.n += n
		p = p[n:]
	}
	return size, nil
}

func (h *blake3) push(buf *[blake3Buffer]byte) {
	cv := guts.ChainingValue(guts.CompressBuffer(buf, len(buf), &guts.IV, h.chunk(), 0))
	h.count++
	top := bits.OnesCount64(h.count - 1)
	for range bits.TrailingZeros64(h.count) {
		top--
		cv = guts.ChainingValue(guts.ParentNode(h.stack[top], cv, &guts.IV, 0))
	}
	h.stack[top] = cv
}

func (h *blake3) chunk() uint64 { return h.base + h.count*guts.MaxSIMD }

// node returns the top of the tree over everything written.
func (h *blake3) node() guts.Node {
	n := guts.CompressBuffer(&h.buf, h.n, &guts.IV, h.chunk(), 0)
	for i := bits.OnesCount64(h.count) - 1; i >= 0; i-- {
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
