package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/modelsigning/modelsigning/internal/lanesgen/kernels"
)

// A mixed kernel runs the rounds of two streams with the SHA extensions, and both message schedules in one
// AVX-512 register, 128 bits for each. SHA256MSG1 and SHA256MSG2 take as long as the rounds on some CPUs and
// wait for the same port; vector instructions go to others.
//
// The vectors are in registers 16 and up, which legacy SSE instructions cannot touch: mixing the two kinds
// costs nothing that way.
type mixed struct {
	*sha
	w         [4]reg.VecPhysical // the last sixteen words of the message schedules
	tmp       [4]reg.VecPhysical
	swapBytes reg.VecPhysical
	low, high reg.OpmaskPhysical // words 0 and 1, words 2 and 3 of each stream
}

func mixedKernel(c *build.Context, t tables) {
	kernels.Function(c, "mixed", signature(2),
		"mixed advances 2 states by n blocks each. It needs SHA, SSSE3, SSE4.1, AVX2 and AVX-512 F, BW and VL.")
	k := &mixed{
		sha:       newSHA(c, t, 2),
		w:         [4]reg.VecPhysical{reg.Y16, reg.Y17, reg.Y18, reg.Y19},
		tmp:       [4]reg.VecPhysical{reg.Y20, reg.Y21, reg.Y22, reg.Y23},
		swapBytes: reg.Y31,
		low:       reg.K1,
		high:      reg.K2,
	}
	k.emitBody(t.wideK, k.setup, k.block, func() { c.VZEROUPPER() })
}

func (k *mixed) setup() {
	k.VZEROUPPER()
	k.VMOVDQU32(k.swap, k.swapBytes)
	k.MOVL(operand.U32(0x33), reg.ESI)
	k.KMOVW(reg.ESI, k.low)
	k.KNOTW(k.low, k.high)
}

func (k *mixed) block() {
	for i := range 16 {
		if i < 4 {
			k.load(i)
		} else {
			k.schedule(i)
		}
		slot := operand.Mem{Base: k.scratch, Disp: 64 + i%4*32}
		// Each slot lies in one cache line; a load from a store that straddles two would wait.
		k.VPADDD(operand.Mem{Base: k.k, Disp: 32 * i}, k.w[i%4], k.tmp[0])
		k.VMOVDQU32(k.tmp[0], slot)
		for j, s := range k.streams {
			k.MOVOU(slot.Offset(16*j), reg.X0)
			k.SHA256RNDS2(reg.X0, s.abef, s.cdgh)
		}
		for j, s := range k.streams {
			k.MOVQ(slot.Offset(16*j+8), reg.X0)
			k.SHA256RNDS2(reg.X0, s.cdgh, s.abef)
		}
	}
}

// load reads words 4i … 4i+3 of each stream.
func (k *mixed) load(i int) {
	w := k.w[i]
	from := operand.Mem{Disp: 16 * i}
	from.Base = k.streams[0].data
	k.VMOVDQU32(from, w.AsX())
	from.Base = k.streams[1].data
	k.VINSERTI32X4(imm(1), from, w, w)
	k.VPSHUFB(k.swapBytes, w, w)
}

// schedule replaces words 4i-16 … 4i-13 by words 4i … 4i+3. The last two of them depend on the first two.
func (k *mixed) schedule(i int) {
	w, w1, w2, w3 := k.w[i%4], k.w[(i+1)%4], k.w[(i+2)%4], k.w[(i+3)%4]
	t, x := k.tmp[0:3], k.tmp[3]
	k.VPALIGNR(imm(4), w, w1, x)
	sigma(k.Context, x, 7, 18, 3, t)
	k.VPALIGNR(imm(4), w2, w3, x)
	k.VPADDD(x, w, w)
	k.VPADDD(t[0], w, w)
	k.VPSHUFD(imm(0xfe), w3, x)
	sigma(k.Context, x, 17, 19, 10, t)
	k.VPADDD(t[0], w, k.low, w)
	k.VPSHUFD(imm(0x40), w, x)
	sigma(k.Context, x, 17, 19, 10, t)
	k.VPADDD(t[0], w, k.high, w)
}
