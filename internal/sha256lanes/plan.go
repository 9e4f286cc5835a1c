package sha256lanes

import "crypto/fips140"

// features are what the kernels ask of a CPU, and what tells how fast they are there.
type features struct {
	avx2, avx512f, avx512bw, avx512vl bool
	sha, ssse3, sse41                 bool
	amd                               bool
	sha2                              bool // of arm64
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
// on the same CPU; 0 for those that it cannot run or need not.
func (f features) rates() [kernels]float64 {
	r := [kernels]float64{serialKernel: 1}
	sha := f.sha && f.ssse3 && f.sse41
	avx512 := f.avx2 && f.avx512f && f.avx512bw && f.avx512vl
	switch {
	case f.sha2:
		// Not measured, as only an emulator has run it. For two messages at once Linux reports nearly twice the speed on some
		// CPUs (dm-verity), and they are independent there as here.
		r[pairKernel] = 1.7
	case sha && f.amd:
		// Measured on Zen 4, which begins a SHA256RNDS2 in each cycle. There wide16 does 2.0, no more than pair, and mixed
		// 1.3. Zen 5, whose AVX-512 is wider, was not measured.
		r[pairKernel] = 1.95
		if avx512 {
			r[quadKernel] = 3
		}
	case sha && avx512:
		// Measured on Ice Lake. Sapphire and Granite Rapids gain less from wide8 and wide16, 1.7 and 2.2, Granite Rapids from
		// mixed, 1.35; which is the fastest is the same. They begin a SHA256RNDS2 every two or three cycles, too seldom for quad.
		r[mixedKernel], r[wide8Kernel], r[wide16Kernel] = 1.6, 1.9, 2.6
	case sha: // Sapphire and Granite Rapids, without AVX-512; Ice Lake gains nothing
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
	ahead  bool // ask for data before crypto/sha256 hashes it, if fetch says how much
}

// current is what this process uses. Only tests change it.
var current = choose(detect(), fips140.Enabled())

// choose picks the kernel that is fastest when some of its lanes are not used.
func choose(f features, fips bool) plan {
	// In FIPS mode, too: it is not hashing. Granite Rapids is 1.4 times as fast with it, Zen 4 slower by three percent.
	p := plan{ahead: !f.amd}
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
