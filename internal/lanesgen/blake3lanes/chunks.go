package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/modelsigning/modelsigning/internal/lanesgen/kernels"
)

// chunks hashes groups of sixteen chunks that follow each other. While it hashes a block of each it loads the next, into
// registers and an area of memory that hashing does not use.
func (k *kernel) chunks() {
	kernels.Function(k.Context, "chunks16", fmt.Sprintf(
		"func(out *[8][16]uint32, scratch *[%d][16]uint32, data *byte, counter uint64, groups int)", 2*blockBytes/64+1),
		"chunks16 puts the chaining values of groups of sixteen chunks, of which the first has the given number, into",
		"out and what follows it. The number is a multiple of sixteen. It needs AVX-512 F and VL.")
	out, data, counter, groups, block, flags := reg.RDI, reg.RSI, reg.RDX, reg.RCX, reg.RBX, reg.R8
	from, to := reg.R10, reg.R11
	k.Load(k.Param("out"), out)
	kernels.LoadAligned(k.Context, "scratch", to)
	k.LEAQ(operand.Mem{Base: to, Disp: blockBytes}, from)
	k.Load(k.Param("data"), data)
	k.Load(k.Param("counter"), counter)
	k.Load(k.Param("groups"), groups)
	k.loadBlocks(data, to)

	k.Label("group")
	k.initial(0, 1, 2, 3, 4, 5, 6, 7)
	k.MOVQ(operand.U32(chunkSize/64), block)
	k.MOVL(operand.U32(chunkStart), flags.As32())

	k.Label("block")
	k.XCHGQ(from, to)
	k.following(data, block, groups)
	k.loadSecondHalf(counter, flags)
	var m [16]operand.Op
	for i := range m {
		m[i] = operand.Mem{Base: from, Disp: 64 * i}
	}
	kernels.Weave(&k.Context, func() { k.rounds(m) }, func() { k.loadBlocks(data, to) })
	k.XORL(flags.As32(), flags.As32())
	k.CMPQ(block, operand.Imm(2))
	k.JNE(operand.LabelRef("more"))
	k.MOVL(operand.U32(chunkEnd), flags.As32())
	k.Label("more")
	k.DECQ(block)
	k.JNZ(operand.LabelRef("block"))

	k.store(out)
	k.ADDQ(operand.U32(groupBytes), out)
	k.ADDQ(operand.Imm(lanes), counter)
	k.DECQ(groups)
	k.JNZ(operand.LabelRef("group"))
	k.VZEROUPPER()
	k.RET()
}

// following moves data on to the next block.
func (k *kernel) following(data, block, groups reg.GPPhysical) {
	step, t := reg.R12, reg.R9
	k.MOVQ(operand.U32(64), step)
	k.CMPQ(block, operand.Imm(1))
	k.JNE(operand.LabelRef("next"))
	k.MOVQ(operand.U32((lanes-1)*chunkSize+64), step)
	k.XORQ(t, t)
	k.CMPQ(groups, operand.Imm(1))
	k.CMOVQEQ(t, step) // after the last block nothing follows: it is loaded again, and not used
	k.Label("next")
	k.ADDQ(step, data)
}

// loadSecondHalf sets the second half of the state for a block of chunks.
func (k *kernel) loadSecondHalf(counter, flags reg.GPPhysical) {
	t := reg.R9
	k.initial(8, 9, 10, 11)
	k.VPBROADCASTD(counter.As32(), k.v[12]) // no carry: sixteen numbers from a multiple of sixteen on
	k.VPADDD(k.iota, k.v[12], k.v[12])
	k.MOVQ(counter, t)
	k.SHRQ(operand.Imm(32), t)
	k.VPBROADCASTD(t.As32(), k.v[13])
	k.MOVL(operand.U32(64), t.As32())
	k.VPBROADCASTD(t.As32(), k.v[14])
	k.VPBROADCASTD(flags.As32(), k.v[15])
}

// loadBlocks loads a block of each of sixteen chunks and transposes them, so that each row holds one word of
// all. Half of the shuffling is left to the loads, which have other ports.
func (k *kernel) loadBlocks(data, to reg.GPPhysical) {
	rows := k.m[:8]
	for half := range 2 {
		for i, r := range rows {
			row := i + i/4*4 // in the lower half of the register, and four further in the upper
			at := operand.Mem{Base: data, Disp: row*chunkSize + 32*half}
			k.VMOVDQU32(at, r.AsY())
			k.VINSERTI64X4(operand.Imm(1), at.Offset(4*chunkSize), r, r)
			// The group after this one, where the data is not in the cache yet. Past the end of it nothing happens.
			k.PREFETCHT0(operand.Mem{Base: data, Disp: (lanes + 8*half + i) * chunkSize})
		}
		t := transposer{k, k.m[8]}
		var words [2][4]reg.VecPhysical
		for four := range words {
			a, b := t.dwords(rows[4*four], rows[4*four+1])
			c, d := t.dwords(rows[4*four+2], rows[4*four+3])
			words[four][0], words[four][1] = t.qwords(a, c)
			words[four][2], words[four][3] = t.qwords(b, d)
		}
		for w := range 4 {
			a, b := t.lanes(words[0][w], words[1][w])
			k.VMOVDQU32(a, operand.Mem{Base: to, Disp: 64 * (8*half + w)})
			k.VMOVDQU32(b, operand.Mem{Base: to, Disp: 64 * (8*half + 4 + w)})
		}
	}
}

// A transposer interleaves pairs of registers. Each result is in the register that was free, and in the second; the
// first is free then.
type transposer struct {
	*kernel
	free reg.VecPhysical
}

func (t *transposer) dwords(a, b reg.VecPhysical) (lo, hi reg.VecPhysical) {
	lo = t.free
	t.VPUNPCKLDQ(b, a, lo)
	t.VPUNPCKHDQ(b, a, b)
	t.free = a
	return lo, b
}

func (t *transposer) qwords(a, b reg.VecPhysical) (lo, hi reg.VecPhysical) {
	lo = t.free
	t.VPUNPCKLQDQ(b, a, lo)
	t.VPUNPCKHQDQ(b, a, b)
	t.free = a
	return lo, b
}

func (t *transposer) lanes(a, b reg.VecPhysical) (lo, hi reg.VecPhysical) {
	lo = t.free
	t.VSHUFI32X4(operand.Imm(0x88), b, a, lo)
	t.VSHUFI32X4(operand.Imm(0xdd), b, a, b)
	t.free = a
	return lo, b
}
