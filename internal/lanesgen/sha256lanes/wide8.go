package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// wide8Kernel emits the kernel for eight streams in YMM registers.
func wide8Kernel(c *build.Context, t tables) {
	k := newWide(c, t, 8)
	k.emit(k.loadStates8, k.loadBlock8, k.storeStates8)
}

func (k *wide) loadStates8() {
	for lane, h := range k.h {
		k.VMOVDQU32(operand.Mem{Base: k.pointer(k.states, lane)}, h)
	}
	k.transpose8(k.h)
}

func (k *wide) storeStates8() {
	k.transpose8(k.h)
	for lane, h := range k.h {
		k.VMOVDQU32(h, operand.Mem{Base: k.pointer(k.states, lane)})
	}
}

func (k *wide) loadBlock8() {
	for lane := range 8 {
		block := k.block(lane)
		k.VMOVDQU32(block, k.w[lane])
		k.VMOVDQU32(block.Offset(32), k.w[8+lane])
	}
	k.transpose8(k.w[:8])
	k.transpose8(k.w[8:])
}

// transpose8 transposes eight by eight words: first within 128 bits, then the halves.
func (k *wide) transpose8(r []reg.VecPhysical) {
	k.transpose4(r[0:4])
	k.transpose4(r[4:8])
	for i := range 4 {
		k.VSHUFI32X4(imm(3), r[4+i], r[i], k.tmp[i])
		k.VSHUFI32X4(imm(0), r[4+i], r[i], r[i])
		k.VMOVDQA32(k.tmp[i], r[4+i])
	}
}
