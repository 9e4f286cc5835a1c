package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A half is one of the two streams of the SHA-NI kernel.
type half struct {
	state, data reg.GPPhysical
	abef, cdgh  reg.VecPhysical
	w           [4]reg.VecPhysical // the last sixteen words of the message schedule
	save        int                // where in scratch the state before a block lies
}

// pair emits the kernel for two streams with the SHA extensions. One stream waits most of the time for
// its own last result; a second one fills the gaps.
func pair(c *build.Context, t tables) {
	function(c, "blocks2",
		"func(states *[2]*[8]uint32, data *[2]*byte, scratch *[8][16]uint32, n int)",
		"blocks2 advances 2 states by n blocks each. It needs SHA, SSSE3 and SSE4.1.")
	states, data, scratch, blocks, k := reg.RDX, reg.RBX, reg.R10, reg.RCX, reg.RAX
	halves := []half{
		{state: reg.RDI, data: reg.R8, abef: reg.X1, cdgh: reg.X2, w: [4]reg.VecPhysical{reg.X5, reg.X6, reg.X7, reg.X8}},
		{state: reg.RSI, data: reg.R9, abef: reg.X3, cdgh: reg.X4, w: [4]reg.VecPhysical{reg.X9, reg.X10, reg.X11, reg.X12}, save: 32},
	}
	tmp, swap := reg.X13, reg.X15

	c.Load(c.Param("states"), states)
	c.Load(c.Param("data"), data)
	c.Load(c.Param("scratch"), scratch)
	c.Load(c.Param("n"), blocks)
	c.TESTQ(blocks, blocks)
	c.JZ(operand.LabelRef("done"))
	c.LEAQ(t.k, k)
	c.MOVOU(t.swap, swap)
	for i, s := range halves {
		c.MOVQ(operand.Mem{Base: states, Disp: 8 * i}, s.state)
		c.MOVQ(operand.Mem{Base: data, Disp: 8 * i}, s.data)
		s.loadState(c, tmp)
	}

	c.Label("block")
	for _, s := range halves {
		c.MOVOU(s.abef, operand.Mem{Base: scratch, Disp: s.save})
		c.MOVOU(s.cdgh, operand.Mem{Base: scratch, Disp: s.save + 16})
	}
	for i := range 16 {
		for _, s := range halves {
			s.schedule(c, i, swap, tmp)
		}
		fourRounds(c, halves, operand.Mem{Base: k, Disp: 16 * i}, i%4)
	}
	for _, s := range halves {
		c.MOVOU(operand.Mem{Base: scratch, Disp: s.save}, tmp)
		c.PADDD(tmp, s.abef)
		c.MOVOU(operand.Mem{Base: scratch, Disp: s.save + 16}, tmp)
		c.PADDD(tmp, s.cdgh)
		c.ADDQ(imm(64), s.data)
	}
	c.DECQ(blocks)
	c.JNZ(operand.LabelRef("block"))

	for _, s := range halves {
		s.storeState(c, tmp)
	}
	c.Label("done")
	c.RET()
}

// schedule makes words 4i … 4i+3.
func (s half) schedule(c *build.Context, i int, swap, tmp reg.VecPhysical) {
	w, w1, w2, w3 := s.w[i%4], s.w[(i+1)%4], s.w[(i+2)%4], s.w[(i+3)%4]
	if i < 4 {
		c.MOVOU(operand.Mem{Base: s.data, Disp: 16 * i}, w)
		c.PSHUFB(swap, w)
		return
	}
	c.SHA256MSG1(w1, w)
	c.MOVO(w3, tmp)
	c.PALIGNR(imm(4), w2, tmp)
	c.PADDD(tmp, w)
	c.SHA256MSG2(w3, w)
}

// fourRounds runs four rounds of both streams. The two words plus constants that SHA256RNDS2 wants lie
// in X0 always, so the streams take turns in it.
func fourRounds(c *build.Context, halves []half, k operand.Mem, i int) {
	a, b := halves[0], halves[1]
	ta, tb := reg.X13, reg.X14
	c.MOVO(a.w[i], reg.X0)
	c.PADDD(k, reg.X0)
	c.MOVO(b.w[i], tb)
	c.PADDD(k, tb)
	c.SHA256RNDS2(reg.X0, a.abef, a.cdgh)
	c.PSHUFD(imm(0x0e), reg.X0, ta)
	c.MOVO(tb, reg.X0)
	c.SHA256RNDS2(reg.X0, b.abef, b.cdgh)
	c.PSHUFD(imm(0x0e), reg.X0, tb)
	c.MOVO(ta, reg.X0)
	c.SHA256RNDS2(reg.X0, a.cdgh, a.abef)
	c.MOVO(tb, reg.X0)
	c.SHA256RNDS2(reg.X0, b.cdgh, b.abef)
}

// loadState turns a … h in memory into the order that SHA256RNDS2 wants.
func (s half) loadState(c *build.Context, tmp reg.VecPhysical) {
	c.MOVOU(operand.Mem{Base: s.state}, s.abef)
	c.MOVOU(operand.Mem{Base: s.state, Disp: 16}, s.cdgh)
	c.PSHUFD(imm(0xb1), s.abef, s.abef)
	c.PSHUFD(imm(0x1b), s.cdgh, s.cdgh)
	c.MOVO(s.abef, tmp)
	c.PALIGNR(imm(8), s.cdgh, s.abef)
	c.PBLENDW(imm(0xf0), tmp, s.cdgh)
}

// storeState is the inverse of loadState.
func (s half) storeState(c *build.Context, tmp reg.VecPhysical) {
	c.PSHUFD(imm(0x1b), s.abef, s.abef)
	c.PSHUFD(imm(0xb1), s.cdgh, s.cdgh)
	c.MOVO(s.abef, tmp)
	c.PBLENDW(imm(0xf0), s.cdgh, s.abef)
	c.PALIGNR(imm(8), tmp, s.cdgh)
	c.MOVOU(s.abef, operand.Mem{Base: s.state})
	c.MOVOU(s.cdgh, operand.Mem{Base: s.state, Disp: 16})
}
