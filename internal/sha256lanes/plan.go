package sha256lanes

import "crypto/fips140"

// features are what the kernels ask of a CPU.
type features struct {
	avx512f, avx512bw, avx512vl bool
	sha, ssse3, sse41           bool
}

// A plan says how to advance n streams, for every n up to MaxLanes.
type plan struct {
	width [MaxLanes + 1]int // lanes of the best kernel; 1 is crypto/sha256
	rate  [MaxLanes + 1]float64
}

// current is what this process uses. Only tests change it.
var current = choose(detect(), fips140.Enabled())

// choose compares the kernels that the features allow. Rates are relative to crypto/sha256 on the same
// CPU, whose own use of the SHA extensions makes it several times faster.
func choose(f features, fips bool) plan {
	rates := map[int]float64{1: 1}
	sha := f.sha && f.ssse3 && f.sse41
	if sha && !fips {
		rates[2] = 1.2
	}
	if f.avx512f && f.avx512bw && f.avx512vl && !fips {
		if sha {
			rates[8], rates[16] = 1.7, 2.2
		} else {
			rates[8], rates[16] = 5, 6.5
		}
	}
	var p plan
	for n := range p.width {
		p.width[n], p.rate[n] = 1, 1
		for width, rate := range rates {
			if r := rate * float64(min(n, width)) / float64(width); r > p.rate[n] {
				p.width[n], p.rate[n] = width, r
			}
		}
	}
	return p
}

// Lanes returns how many streams one core hashes fastest together: 16, 2 or 1. More than that do no harm.
func Lanes() int { return current.width[MaxLanes] }

// Rate returns how fast one core hashes n streams of equal length together, in bytes over all of them,
// relative to one stream. It does not fall as n grows. It was measured on a few CPUs, not on this one.
func Rate(n int) float64 { return current.rate[max(0, min(n, MaxLanes))] }
