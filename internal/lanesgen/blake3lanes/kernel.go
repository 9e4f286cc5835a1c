package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/modelsigning/modelsigning/internal/lanesgen/kernels"
)

// A kernel keeps one word of each of sixteen chunks or parents in a vector register, a lane for each.
type kernel struct {
	*build.Context
	iv, iota, even, odd operand.Mem

	v [16]reg.VecPhysical // the state
	m [16]reg.VecPhysical // the message of parents; of chunks, rows of the next on their way
}

const (
	chunkSize  = 1024
	lanes      = 16
	groupBytes = 8 * lanes * 4 // chaining values of sixteen
	blockBytes = 16 * lanes * 4
)

// Flags of section 2.2 of the BLAKE3 paper.
const (
	chunkStart = 1 << 0
	chunkEnd   = 1 << 1
	parent     = 1 << 2
)

func newKernel(c *build.Context) *kernel {
	k := &kernel{Context: c}
	copy(k.v[:], kernels.ZMM)
	copy(k.m[:], kernels.ZMM[16:])
	k.iv = k.table("iv", []uint32{
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	})
	var iota, even, odd []uint32
	for i := range uint32(lanes) {
		iota, even, odd = append(iota, i), append(even, 2*i), append(odd, 2*i+1)
	}
	k.iota, k.even, k.odd = k.table("iota", iota), k.table("even", even), k.table("odd", odd)
	return k
}

func (k *kernel) table(name string, words []uint32) operand.Mem {
	mem := k.StaticGlobal(name)
	k.DataAttributes(attr.RODATA | attr.NOPTR)
	for _, w := range words {
		k.AppendDatum(operand.U32(w))
	}
	return mem
}

// permutation is how the words of a message are reordered after each round: table 2 of the paper.
var permutation = [16]int{2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8}

// rounds is section 2.2: seven rounds, and the first half of the output. The words of the message are renamed,
// not moved.
func (k *kernel) rounds(m [16]operand.Op) {
	for range 7 {
		k.quarters(m[:8], [4][4]int{{0, 4, 8, 12}, {1, 5, 9, 13}, {2, 6, 10, 14}, {3, 7, 11, 15}})
		k.quarters(m[8:], [4][4]int{{0, 5, 10, 15}, {1, 6, 11, 12}, {2, 7, 8, 13}, {3, 4, 9, 14}})
		old := m
		for i, from := range permutation {
			m[i] = old[from]
		}
	}
	for i := range 8 {
		k.VPXORD(k.v[8+i], k.v[i], k.v[i])
	}
}

// quarters is four times the function G, step by step for all of them, since each waits for its own result.
func (k *kernel) quarters(m []operand.Op, on [4][4]int) {
	for half, rotations := range [2][2]uint64{{16, 12}, {8, 7}} {
		each := func(step func(i int, a, b, c, d reg.VecPhysical)) {
			for i, q := range on {
				step(i, k.v[q[0]], k.v[q[1]], k.v[q[2]], k.v[q[3]])
			}
		}
		each(func(i int, a, _, _, _ reg.VecPhysical) { k.VPADDD(m[2*i+half], a, a) })
		each(func(_ int, a, b, _, _ reg.VecPhysical) { k.VPADDD(b, a, a) })
		each(func(_ int, a, _, _, d reg.VecPhysical) { k.VPXORD(a, d, d) })
		each(func(_ int, _, _, _, d reg.VecPhysical) { k.VPRORD(operand.Imm(rotations[0]), d, d) })
		each(func(_ int, _, _, c, d reg.VecPhysical) { k.VPADDD(d, c, c) })
		each(func(_ int, _, b, c, _ reg.VecPhysical) { k.VPXORD(c, b, b) })
		each(func(_ int, _, b, _, _ reg.VecPhysical) { k.VPRORD(operand.Imm(rotations[1]), b, b) })
	}
}

// initial sets words of the state to the initialization vector.
func (k *kernel) initial(words ...int) {
	for _, i := range words {
		k.VPBROADCASTD(k.iv.Offset(4*(i%8)), k.v[i])
	}
}

func (k *kernel) store(out reg.GPPhysical) {
	for i := range 8 {
		k.VMOVDQU32(k.v[i], operand.Mem{Base: out, Disp: 64 * i})
	}
}
