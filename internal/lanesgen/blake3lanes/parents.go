package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/modelsigning/modelsigning/internal/lanesgen/kernels"
)

// parents joins chaining values that lie beside each other.
func (k *kernel) parents() {
	kernels.Function(k.Context, "parents16", "func(out, in *[8][16]uint32, groups int)",
		"parents16 puts the chaining values of groups of sixteen parents into out and what follows it. Their 32 children",
		"each are two groups from in on, which may be out. It needs AVX-512 F and VL.")
	out, in, groups, t := reg.RDI, reg.RSI, reg.RCX, reg.R8
	k.Load(k.Param("out"), out)
	k.Load(k.Param("in"), in)
	k.Load(k.Param("groups"), groups)

	k.Label("group")
	even, odd := k.v[8], k.v[9]
	k.VMOVDQU32(k.even, even)
	k.VMOVDQU32(k.odd, odd)
	for i := range 8 {
		left, right := k.m[i], k.m[8+i]
		second := operand.Mem{Base: in, Disp: groupBytes + 64*i}
		k.VMOVDQU32(operand.Mem{Base: in, Disp: 64 * i}, left)
		k.VMOVDQA32(left, right)
		k.VPERMT2D(second, even, left)
		k.VPERMT2D(second, odd, right)
	}
	k.initial(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
	k.VPXORD(k.v[12], k.v[12], k.v[12])
	k.VPXORD(k.v[13], k.v[13], k.v[13])
	k.MOVL(operand.U32(64), t.As32())
	k.VPBROADCASTD(t.As32(), k.v[14])
	k.MOVL(operand.U32(parent), t.As32())
	k.VPBROADCASTD(t.As32(), k.v[15])
	var m [16]operand.Op
	for i, r := range k.m {
		m[i] = r
	}
	k.rounds(m)
	k.store(out)
	k.ADDQ(operand.U32(groupBytes), out)
	k.ADDQ(operand.U32(2*groupBytes), in)
	k.DECQ(groups)
	k.JNZ(operand.LabelRef("group"))
	k.VZEROUPPER()
	k.RET()
}
