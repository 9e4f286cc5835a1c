package sha256lanes

import "crypto/fips140"

// features are what the kernels ask of a CPU, and what tells how fast they are there.
type features struct {
	avx512f, avx512bw, avx512vl bool
	sha, ssse3, sse41           bool
	amd                         bool
	sha2                        bool // of arm64
	ahead                       bool // crypto/sha256 waits at the beginning of each page, unless data is asked for ahead of it
}

// A kernel is a way to advance streams.
type kernel uint8

const (
	serialKernel kernel = iota // crypto/sha256, one stream
	pairKernel                 // two streams, SHA extensions, or on arm64 the SHA-2 instructions
	quadKernel                 // four streams, SHA extensions and AVX-512
	mixedKernel                // two streams, SHA extensions and AVX-512
	wide8Kernel                // eight streams, AVX-512
	wide16Kernel               // sixteen streams, AVX-512
	kernels      int    = iota
)

// lanes is how many streams a kernel takes.
func (k kernel) lanes() int {
	return [...]int{serialKernel: 1, pairKernel: 2, quadKernel: 4, mixedKernel: 2, wide8Kernel: 8, wide16Kernel: 16}[k]
}

// rates are what the kernels do on a CPU with these features, all lanes in use, relative to crypto/sha256
// on the same CPU; 0 for those that it cannot run or need not. They were measured on Ice Lake and, of AMD, on Zen 4. Sapphire
// and Granite Rapids gain less from wide8 and wide16, 1.7 and 2.2, Granite Rapids from mixed, 1.35, and both more from pair,
// 1.2 where Ice Lake gains nothing; which kernel is the fastest is the same. Intel's begin a SHA256RNDS2 every two or three
// cycles, too few for quad, and Zen 4 one in each, so that pair does there what wide16 does, 2.0, and mixed 1.3. Zen 5, whose
// AVX-512 is wider, was not measured. Nor was arm64, whose kernel only an emulator has run: for two messages at once Linux
// reports nearly twice the speed on some of its CPUs (dm-verity), and they are independent there as here.
func (f features) rates() [kernels]float64 {
	r := [kernels]float64{serialKernel: 1}
	sha := f.sha && f.ssse3 && f.sse41
	avx512 := f.avx512f && f.avx512bw && f.avx512vl
	switch {
	case f.sha2:
		r[pairKernel] = 1.7
	case sha && f.amd:
		r[pairKernel] = 1.95
		if avx512 {
			r[quadKernel] = 3
		}
	case sha && avx512:
		r[mixedKernel], r[wide8Kernel], r[wide16Kernel] = 1.6, 1.9, 2.6
	case sha:
		r[pairKernel] = 1.2
	case avx512: // and crypto/sha256 uses AVX2
		r[wide8Kernel], r[wide16Kernel] = 6, 8
	}
	return r
}

// A plan says how to advance n streams, for every n up to MaxLanes.
type plan struct {
	kernel [MaxLanes + 1]kernel
	rate   [MaxLanes + 1]float64
	fetch  int // how many bytes to ask for at once, while crypto/sha256 hashes as many; 0 for none
}

// current is what this process uses. Only tests change it.
var current = choose(detect(), fips140.Enabled())

// choose picks the kernel that is fastest when some of its lanes are not used.
func choose(f features, fips bool) plan {
	var p plan
	if f.ahead {
		p.fetch = 1 << 10
	}
	if fips {
		f = features{}
	}
	for n := range p.kernel {
		for k, rate := range f.rates() {
			k := kernel(k)
			if rate *= float64(min(n, k.lanes())) / float64(k.lanes()); rate > p.rate[n] {
				p.kernel[n], p.rate[n] = k, rate
			}
		}
	}
	return p
}

// Lanes returns how many streams one core hashes fastest together: 16, 4, 2 or 1. More than that do no harm.
func Lanes() int { return current.kernel[MaxLanes].lanes() }

// Rate returns how fast one core hashes n streams of equal length together, in bytes over all of them,
// relative to one stream. It does not fall as n grows. It is an estimate by the features of the CPU.
func Rate(n int) float64 { return current.rate[max(0, min(n, MaxLanes))] }
