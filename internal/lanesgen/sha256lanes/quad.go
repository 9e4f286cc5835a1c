package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/modelsigning/modelsigning/internal/lanesgen/kernels"
)

// A quad kernel runs the rounds of four streams with the SHA extensions, and makes the message schedules of two blocks of
// each with AVX-512: unlike the rounds, the schedule of a block does not wait for that of the one before (Gueron and Krasnov,
// Parallelizing message schedules to accelerate the computations of hash functions, 2012). While it runs the rounds of two
// blocks it makes the schedules of the next two.
//
// Zen 4 can begin a SHA256RNDS2 in each cycle and has its result four later, hence four streams. Schedules made with
// SHA256MSG1 and SHA256MSG2 take its vector units longer than the rounds. 256 bits are faster than 512, which hold up
// for two cycles a port that SHA256RNDS2 waits for. Asking for data ahead gains nothing there.
type quad struct {
	*sha
	w    []reg.VecPhysical // the last sixteen words of the message schedules, a lane for each block
	tmp  []reg.VecPhysical // below 16, where instructions are shorter: AMD's CPUs do not mind legacy SSE beside them
	next reg.GPPhysical    // how far after the first block of a pass the second is
	from reg.GPPhysical    // the schedules of the blocks whose rounds are run
	to   reg.GPPhysical    // those of the next
}

// scheduled is how many bytes the schedules of one pass take: eight of 64 words. There are two such areas, one after the
// other. At 4 KiB from each other, loads from one would wait for stores to the other, which cost eight percent.
const scheduled = 8 * 64 * 4

func quadKernel(c *build.Context, t tables) {
	kernels.Function(c, "quad", signature(4),
		"quad advances 4 states by n blocks each. It needs SHA, SSSE3, SSE4.1, AVX2 and AVX-512 F and VL.")
	k := &quad{sha: newSHA(c, t, 4), from: reg.R12, to: reg.R13}
	k.next = k.data // which is not needed once the addresses are loaded
	k.tmp, k.w = ymm[9:16], ymm[16:]
	k.emit()
}

func (k *quad) emit() {
	k.begin(k.wideK)
	areas := operand.Mem{Base: k.scratch, Disp: 32 * len(k.streams)}
	k.LEAQ(areas, k.from)
	k.LEAQ(areas.Offset(scheduled), k.to)
	k.setNext()
	k.schedules()

	k.Label("pass")
	k.XCHGQ(k.from, k.to)
	k.CMPQ(k.blocks, imm(2))
	k.JLE(operand.LabelRef("last"))
	k.SUBQ(imm(2), k.blocks)
	for _, s := range k.streams {
		k.ADDQ(operand.U32(128), s.data)
	}
	k.setNext()
	kernels.Weave(&k.Context, k.schedules, func() {
		k.rounds(0)
		k.rounds(1)
	})
	k.JMP(operand.LabelRef("pass"))

	k.Label("last")
	k.rounds(0)
	k.ADDQ(imm(16), k.from)
	k.DECQ(k.blocks)
	k.JNZ(operand.LabelRef("last"))
	k.end(k.VZEROUPPER)
}

// setNext sets next: to 0 if there is no second block, so that the first is read twice.
func (k *quad) setNext() {
	k.MOVQ(operand.U32(64), k.next)
	k.XORQ(reg.RSI, reg.RSI)
	k.CMPQ(k.blocks, imm(1))
	k.CMOVQEQ(reg.RSI, k.next)
}

// schedules writes the schedules of two blocks of each stream, with the round constants added. Each 128 bits are four words
// of one block: the first SHA256RNDS2 takes the lower two, the second the upper.
func (k *quad) schedules() {
	for i := 0; i < 64; i += 4 {
		w := k.w[i%16:][:4]
		if i < 16 {
			words := k.tmp[:4]
			k.load(i, words)
			k.store(i, words, k.tmp[4:])
			transpose4(k.Context, words, w, k.tmp[4:])
			continue
		}
		for j := range 4 {
			nextWord(k.Context, k.w, i+j, k.tmp[0], k.sigma)
		}
		words := k.tmp[3:]
		transpose4(k.Context, w, words, k.tmp[:3])
		k.store(i, words, words)
	}
}

// load reads words i … i+3 of both blocks of each stream into a register for each stream, the bytes of each turned round.
func (k *quad) load(i int, words []reg.VecPhysical) {
	for j, s := range k.streams {
		from := operand.Mem{Base: s.data, Disp: 4 * i}
		k.VMOVDQU(from, words[j].AsX())
		from.Index, from.Scale = k.next, 1
		k.VINSERTI128(imm(1), from, words[j], words[j])
		k.VPSHUFB(k.swap, words[j], words[j])
	}
}

// store writes words i … i+3 with the constants of their rounds added, by way of the registers sums, which may be the words
// themselves.
func (k *quad) store(i int, words, sums []reg.VecPhysical) {
	for j, w := range words {
		sum := sums[j%len(sums)]
		k.VPADDD(operand.Mem{Base: k.k, Disp: 8 * i}, w, sum)
		k.VMOVDQU(sum, operand.Mem{Base: k.to, Disp: 32*i + 32*j})
	}
}

// sigma leaves σ, the exclusive or of two rotations and a shift of x, in tmp[0]. It does without VPTERNLOGD, which gets in
// the way of SHA256RNDS2: both have three sources.
func (k *quad) sigma(x reg.VecPhysical, r0, r1, shift uint8) {
	t := k.tmp
	k.VPRORD(imm(r0), x, t[0])
	k.VPRORD(imm(r1), x, t[1])
	k.VPSRLD(imm(shift), x, t[2])
	k.VPXORD(t[1], t[0], t[0])
	k.VPXORD(t[2], t[0], t[0])
}

// rounds runs the rounds of a block of each stream, the first or the second of a pass.
func (k *quad) rounds(block int) {
	k.save()
	for i := 0; i < 64; i += 4 {
		for j, s := range k.streams {
			k.VMOVDQU(k.words(i, j, block), reg.X0)
			k.SHA256RNDS2(reg.X0, s.abef, s.cdgh)
		}
		for j, s := range k.streams {
			k.VMOVQ(k.words(i, j, block).Offset(8), reg.X0)
			k.SHA256RNDS2(reg.X0, s.cdgh, s.abef)
		}
	}
	for _, s := range k.streams {
		k.VPADDD(s.saved, s.abef, s.abef)
		k.VPADDD(s.saved.Offset(16), s.cdgh, s.cdgh)
	}
}

func (k *quad) words(i, stream, block int) operand.Mem {
	return operand.Mem{Base: k.from, Disp: 32*i + 32*stream + 16*block}
}
