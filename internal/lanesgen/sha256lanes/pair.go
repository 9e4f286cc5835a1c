package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/modelsigning/modelsigning/internal/lanesgen/kernels"
)

// A pair is the kernel for two streams with the SHA extensions alone. X0 is the operand that SHA256RNDS2
// does not let us choose.
type pair struct {
	*sha
	w         [2][4]reg.VecPhysical // the last sixteen words of each message schedule
	tmp       [2]reg.VecPhysical
	swapBytes reg.VecPhysical
}

func pairKernel(c *build.Context, t tables) {
	kernels.Function(c, "pair", signature(2),
		"pair advances 2 states by n blocks each. It needs SHA, SSSE3 and SSE4.1.")
	k := &pair{
		sha: newSHA(c, t, 2),
		w: [2][4]reg.VecPhysical{
			{reg.X5, reg.X6, reg.X7, reg.X8},
			{reg.X9, reg.X10, reg.X11, reg.X12},
		},
		tmp:       [2]reg.VecPhysical{reg.X13, reg.X14},
		swapBytes: reg.X15,
	}
	k.emitBody(t.k,
		func() { c.MOVOU(t.swap, k.swapBytes) },
		func() {
			for i := range 16 {
				k.schedule(i, 0)
				k.schedule(i, 1)
				k.fourRounds(i)
			}
		},
		func() {})
}

// schedule makes words 4i … 4i+3 of a stream.
func (k *pair) schedule(i, stream int) {
	r := k.w[stream]
	w, w1, w2, w3 := r[i%4], r[(i+1)%4], r[(i+2)%4], r[(i+3)%4]
	if i < 4 {
		k.MOVOU(operand.Mem{Base: k.streams[stream].data, Disp: 16 * i}, w)
		k.PSHUFB(k.swapBytes, w)
		return
	}
	t := k.tmp[0]
	k.SHA256MSG1(w1, w)
	k.MOVO(w3, t)
	k.PALIGNR(imm(4), w2, t)
	k.PADDD(t, w)
	k.SHA256MSG2(w3, w)
}

// fourRounds runs rounds 4i … 4i+3 of both streams, which take turns in X0.
func (k *pair) fourRounds(i int) {
	a, b := k.streams[0], k.streams[1]
	ta, tb := k.tmp[0], k.tmp[1]
	constants := operand.Mem{Base: k.k, Disp: 16 * i}
	k.MOVO(k.w[0][i%4], reg.X0)
	k.PADDD(constants, reg.X0)
	k.MOVO(k.w[1][i%4], tb)
	k.PADDD(constants, tb)
	k.SHA256RNDS2(reg.X0, a.abef, a.cdgh)
	k.PSHUFD(imm(0x0e), reg.X0, ta)
	k.MOVO(tb, reg.X0)
	k.SHA256RNDS2(reg.X0, b.abef, b.cdgh)
	k.PSHUFD(imm(0x0e), reg.X0, tb)
	k.MOVO(ta, reg.X0)
	k.SHA256RNDS2(reg.X0, a.cdgh, a.abef)
	k.MOVO(tb, reg.X0)
	k.SHA256RNDS2(reg.X0, b.cdgh, b.abef)
}
