package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/modelsigning/modelsigning/internal/lanesgen/kernels"
)

// A wide kernel keeps one word of every stream in a vector register, a lane for each stream.
type wide struct {
	*build.Context
	tables
	lanes int
	bytes int // of a register

	w    []reg.VecPhysical // the last sixteen words of the message schedule
	h    []reg.VecPhysical // a … h
	tmp  []reg.VecPhysical
	swap reg.VecPhysical

	states, data, scratch, blocks, offset reg.GPPhysical
}

var ymm = lowerHalves(kernels.ZMM)

func lowerHalves(registers []reg.VecPhysical) (lower []reg.VecPhysical) {
	for _, z := range registers {
		lower = append(lower, z.AsY().(reg.VecPhysical))
	}
	return lower
}

// pointers hold addresses of lanes, in turn, so that loads need not wait for one register.
var pointers = []reg.GPPhysical{reg.RAX, reg.RDX, reg.R8, reg.R9, reg.R10, reg.R11, reg.R12, reg.R13}

func newWide(c *build.Context, t tables, lanes int) *wide {
	k := &wide{
		Context: c, tables: t, lanes: lanes, bytes: 4 * lanes,
		states: reg.RDI, data: reg.RSI, scratch: reg.RBX, blocks: reg.RCX, offset: reg.R13,
	}
	regs := kernels.ZMM
	if lanes == 8 {
		regs = ymm
	}
	k.w, k.h, k.tmp, k.swap = regs[:16], regs[16:24], regs[24:31], regs[31]
	return k
}

// emit writes the whole function. The new states are stored after the last block has been read, so
// that a fault leaves the old ones.
func (k *wide) emit(loadStates, loadBlock, storeStates func()) {
	name := fmt.Sprintf("wide%d", k.lanes)
	kernels.Function(k.Context, name, signature(k.lanes),
		fmt.Sprintf("%s advances %d states by n blocks each. It needs AVX2 and AVX-512 F, BW and VL.", name, k.lanes))
	k.Load(k.Param("states"), k.states)
	k.Load(k.Param("data"), k.data)
	kernels.LoadAligned(k.Context, "scratch", k.scratch)
	k.Load(k.Param("n"), k.blocks)
	k.TESTQ(k.blocks, k.blocks)
	k.JZ(operand.LabelRef("done"))
	k.XORQ(k.offset, k.offset)
	k.VMOVDQU32(k.tables.swap, k.swap)
	loadStates()

	k.Label("block")
	for i, h := range k.h {
		k.VMOVDQU32(h, k.saved(i))
	}
	loadBlock()
	for _, w := range k.w {
		k.VPSHUFB(k.swap, w, w)
	}
	k.rounds()
	for i, h := range k.h {
		k.VPADDD(k.saved(i), h, h)
	}
	k.ADDQ(imm(64), k.offset)
	k.DECQ(k.blocks)
	k.JNZ(operand.LabelRef("block"))

	storeStates()
	k.VZEROUPPER()
	k.Label("done")
	k.RET()
}

func (k *wide) saved(i int) operand.Mem {
	return operand.Mem{Base: k.scratch, Disp: i * k.bytes}
}

// pointer loads the address of lane j from a table of addresses. Only the seven registers that are not
// the offset take part.
func (k *wide) pointer(table reg.GPPhysical, j int) reg.GPPhysical {
	p := pointers[j%7]
	k.MOVQ(operand.Mem{Base: table, Disp: 8 * j}, p)
	return p
}

// block is where lane j's block is. It also asks for the one that comes ahead bytes later, but not into the first-level cache,
// which has few places for lines of many files at one offset into their pages.
func (k *wide) block(j int) operand.Mem {
	m := operand.Mem{Base: k.pointer(k.data, j), Index: k.offset, Scale: 1}
	k.PREFETCHT1(m.Offset(ahead))
	return m
}

// rounds is FIPS 180-4, section 6.2.2, steps 1 and 3. The eight variables are renamed, not moved.
func (k *wide) rounds() {
	v := append([]reg.VecPhysical(nil), k.h...)
	for i := range 64 {
		if i >= 16 {
			nextWord(k.Context, k.w, i, k.tmp[4], func(x reg.VecPhysical, r0, r1, shift uint8) {
				sigma(k.Context, x, r0, r1, shift, k.tmp[4:7])
			})
		}
		k.round(i, v)
		v = append(v[7:8:8], v[:7]...)
	}
}

const (
	xor3   = 0x96 // x ^ y ^ z
	choose = 0xca // x ? y : z
	major  = 0xe8 // the bit that two of three have
)

func (k *wide) round(i int, v []reg.VecPhysical) {
	a, b, c, d, e, f, g, h := v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]
	t := k.tmp[3]
	k.VPADDD_BCST(k.k.Offset(4*i), k.w[i%16], t)
	k.VPADDD(t, h, h)
	k.rotations(e, 6, 11, 25, k.tmp[0:3])
	k.VMOVDQA32(e, t)
	k.VPTERNLOGD(imm(choose), g, f, t)
	k.VPADDD(t, h, h)
	k.VPADDD(k.tmp[0], h, h)
	k.VPADDD(h, d, d)
	k.rotations(a, 2, 13, 22, k.tmp[0:3])
	k.VMOVDQA32(a, t)
	k.VPTERNLOGD(imm(major), c, b, t)
	k.VPADDD(t, h, h)
	k.VPADDD(k.tmp[0], h, h)
}

// rotations leaves Σ, the exclusive or of three rotations of x, in t[0].
func (k *wide) rotations(x reg.VecPhysical, r0, r1, r2 uint8, t []reg.VecPhysical) {
	k.VPRORD(imm(r0), x, t[0])
	k.VPRORD(imm(r1), x, t[1])
	k.VPRORD(imm(r2), x, t[2])
	k.VPTERNLOGD(imm(xor3), t[2], t[1], t[0])
}

// nextWord replaces word i-16 of the schedules by word i: FIPS 180-4, section 6.2.2, step 1. The function leaves σ in sum.
func nextWord(c *build.Context, words []reg.VecPhysical, i int, sum reg.VecPhysical,
	sigma func(x reg.VecPhysical, r0, r1, shift uint8)) {
	w := words[i%16]
	c.VPADDD(words[(i+9)%16], w, w)
	sigma(words[(i+1)%16], 7, 18, 3)
	c.VPADDD(sum, w, w)
	sigma(words[(i+14)%16], 17, 19, 10)
	c.VPADDD(sum, w, w)
}

// sigma leaves σ, the exclusive or of two rotations and a shift of x, in t[0].
func sigma(c *build.Context, x reg.VecPhysical, r0, r1, shift uint8, t []reg.VecPhysical) {
	c.VPRORD(imm(r0), x, t[0])
	c.VPRORD(imm(r1), x, t[1])
	c.VPSRLD(imm(shift), x, t[2])
	c.VPTERNLOGD(imm(xor3), t[2], t[1], t[0])
}

// transpose4 transposes, within each 128 bits, the four words of four registers, into others or in place.
func transpose4(c *build.Context, from, to, tmp []reg.VecPhysical) {
	t := tmp[:3]
	c.VPUNPCKLDQ(from[1], from[0], t[0])
	c.VPUNPCKHDQ(from[1], from[0], t[1])
	c.VPUNPCKLDQ(from[3], from[2], t[2])
	c.VPUNPCKLQDQ(t[2], t[0], to[0])
	c.VPUNPCKHQDQ(t[2], t[0], to[1])
	c.VPUNPCKHDQ(from[3], from[2], t[2])
	c.VPUNPCKLQDQ(t[2], t[1], to[2])
	c.VPUNPCKHQDQ(t[2], t[1], to[3])
}

func (k *wide) transpose4(r []reg.VecPhysical) { transpose4(k.Context, r, r, k.tmp) }
