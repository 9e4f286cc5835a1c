package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// Quarters of two registers that VSHUFI32X4 picks.
const (
	even = 0x88 // 0 and 2
	odd  = 0xdd // 1 and 3
)

// wide16Kernel emits the kernel for sixteen streams in ZMM registers.
func wide16Kernel(c *build.Context, t tables) {
	k := newWide(c, t, 16)
	k.emit(k.loadStates16, k.loadBlock16, k.storeStates16)
}

// loadStates16 puts state j into the low half of a register and state j+4 into the high half: then
// quarters 0 and 2 are the words a … d of neighbouring lanes once the words are transposed.
func (k *wide) loadStates16() {
	for i, lane := range []int{0, 1, 2, 3, 8, 9, 10, 11} {
		low, high := k.pointer(k.states, lane), k.pointer(k.states, lane+4)
		k.VMOVDQU32(operand.Mem{Base: low}, k.w[i].AsY())
		k.VINSERTI64X4(imm(1), operand.Mem{Base: high}, k.w[i], k.w[i])
	}
	k.transpose4(k.w[0:4])
	k.transpose4(k.w[4:8])
	for i := range 4 {
		k.VSHUFI32X4(imm(even), k.w[4+i], k.w[i], k.h[i])
		k.VSHUFI32X4(imm(odd), k.w[4+i], k.w[i], k.h[4+i])
	}
}

// storeStates16 transposes to words 0 … 3 and 4 … 7 of lanes i, 4+i, 8+i and 12+i in a register.
func (k *wide) storeStates16() {
	k.transpose4(k.h[0:4])
	k.transpose4(k.h[4:8])
	for lane := range 16 {
		p := k.pointer(k.states, lane)
		k.VEXTRACTI32X4(imm(uint8(lane/4)), k.h[lane%4], operand.Mem{Base: p})
		k.VEXTRACTI32X4(imm(uint8(lane/4)), k.h[4+lane%4], operand.Mem{Base: p, Disp: 16})
	}
}

// loadBlock16 reads a block of each stream and transposes sixteen by sixteen words: first within
// 128 bits, then the quarters.
func (k *wide) loadBlock16() {
	for lane := range 16 {
		k.VMOVDQU32(k.block(lane), k.w[lane])
	}
	for i := 0; i < 16; i += 4 {
		k.transpose4(k.w[i : i+4])
	}
	t := k.tmp
	for i := range 4 {
		k.VSHUFI32X4(imm(even), k.w[4+i], k.w[i], t[0])
		k.VSHUFI32X4(imm(odd), k.w[4+i], k.w[i], t[1])
		k.VSHUFI32X4(imm(even), k.w[12+i], k.w[8+i], t[2])
		k.VSHUFI32X4(imm(odd), k.w[12+i], k.w[8+i], t[3])
		k.VSHUFI32X4(imm(even), t[2], t[0], k.w[i])
		k.VSHUFI32X4(imm(even), t[3], t[1], k.w[4+i])
		k.VSHUFI32X4(imm(odd), t[2], t[0], k.w[8+i])
		k.VSHUFI32X4(imm(odd), t[3], t[1], k.w[12+i])
	}
}
