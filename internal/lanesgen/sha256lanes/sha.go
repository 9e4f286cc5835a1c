package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/modelsigning/modelsigning/internal/lanesgen/kernels"
)

// A sha kernel gives each of its streams two XMM registers and runs the rounds with SHA256RNDS2. One stream waits
// most of the time for its own last result; others fill the gaps.
type sha struct {
	*build.Context
	tables
	streams []stream

	states, data, scratch, blocks, k reg.GPPhysical
}

type stream struct {
	data       reg.GPPhysical
	abef, cdgh reg.VecPhysical // the state, in the order that SHA256RNDS2 wants
	saved      operand.Mem     // the state before the block
}

func newSHA(c *build.Context, t tables, streams int) *sha {
	k := &sha{
		Context: c, tables: t,
		states: reg.RDX, data: reg.RDI, scratch: reg.RBX, blocks: reg.RCX, k: reg.RAX,
	}
	data := []reg.GPPhysical{reg.R8, reg.R9, reg.R10, reg.R11}
	state := []reg.VecPhysical{reg.X1, reg.X2, reg.X3, reg.X4, reg.X5, reg.X6, reg.X7, reg.X8}
	for i := range streams {
		saved := operand.Mem{Base: k.scratch, Disp: 32 * i}
		k.streams = append(k.streams, stream{data[i], state[2*i], state[2*i+1], saved})
	}
	return k
}

// begin loads the arguments and the states.
func (k *sha) begin(constants operand.Mem) {
	k.Load(k.Param("states"), k.states)
	k.Load(k.Param("data"), k.data)
	kernels.LoadAligned(k.Context, "scratch", k.scratch)
	k.Load(k.Param("n"), k.blocks)
	k.TESTQ(k.blocks, k.blocks)
	k.JZ(operand.LabelRef("done"))
	k.LEAQ(constants, k.k)
	for i, s := range k.streams {
		k.MOVQ(operand.Mem{Base: k.data, Disp: 8 * i}, s.data)
		k.loadState(i)
	}
}

// end stores the new states, after the last block has been read, so that a fault leaves the old ones.
func (k *sha) end(finish func()) {
	for i := range k.streams {
		k.storeState(i)
	}
	finish()
	k.Label("done")
	k.RET()
}

// save keeps the states before a block.
func (k *sha) save() {
	for _, s := range k.streams {
		k.MOVOU(s.abef, s.saved)
		k.MOVOU(s.cdgh, s.saved.Offset(16))
	}
}

// emitBody writes a kernel that takes block after block, from after the beginning of the function.
func (k *sha) emitBody(constants operand.Mem, setup, block, finish func()) {
	k.begin(constants)
	setup()

	k.Label("block")
	k.save()
	for _, s := range k.streams {
		k.PREFETCHT0(operand.Mem{Base: s.data, Disp: ahead})
	}
	block()
	for _, s := range k.streams {
		k.MOVOU(s.saved, reg.X0)
		k.PADDD(reg.X0, s.abef)
		k.MOVOU(s.saved.Offset(16), reg.X0)
		k.PADDD(reg.X0, s.cdgh)
		k.ADDQ(imm(64), s.data)
	}
	k.DECQ(k.blocks)
	k.JNZ(operand.LabelRef("block"))
	k.end(finish)
}

// loadState turns a … h in memory into two registers.
func (k *sha) loadState(i int) {
	s, p := k.streams[i], reg.RSI
	k.MOVQ(operand.Mem{Base: k.states, Disp: 8 * i}, p)
	k.MOVOU(operand.Mem{Base: p}, s.abef)
	k.MOVOU(operand.Mem{Base: p, Disp: 16}, s.cdgh)
	k.PSHUFD(imm(0xb1), s.abef, s.abef)
	k.PSHUFD(imm(0x1b), s.cdgh, s.cdgh)
	k.MOVO(s.abef, reg.X0)
	k.PALIGNR(imm(8), s.cdgh, s.abef)
	k.PBLENDW(imm(0xf0), reg.X0, s.cdgh)
}

// storeState is the inverse of loadState.
func (k *sha) storeState(i int) {
	s, p := k.streams[i], reg.RSI
	k.MOVQ(operand.Mem{Base: k.states, Disp: 8 * i}, p)
	k.PSHUFD(imm(0x1b), s.abef, s.abef)
	k.PSHUFD(imm(0xb1), s.cdgh, s.cdgh)
	k.MOVO(s.abef, reg.X0)
	k.PBLENDW(imm(0xf0), s.cdgh, s.abef)
	k.PALIGNR(imm(8), reg.X0, s.cdgh)
	k.MOVOU(s.abef, operand.Mem{Base: p})
	k.MOVOU(s.cdgh, operand.Mem{Base: p, Disp: 16})
}
