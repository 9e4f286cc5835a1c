package sha256lanes_test

import (
	"crypto/fips140"
	"slices"
	"testing"

	"github.com/modelsigning/modelsigning/internal/sha256lanes"
)

// The machines of others: what runs where a feature is missing.
func TestMissingFeature(t *testing.T) {
	for _, name := range sha256lanes.FeatureNames {
		t.Run(name, func(t *testing.T) {
			if lanes := sha256lanes.ImagineAMD(name); slices.Contains(lanes[:], 4) {
				t.Errorf("four streams together where %s is missing, and AMD: %v", name, lanes)
			}
			avx512 := name[:3] == "avx"
			lanes := sha256lanes.ImagineFeatures(false, name)
			if slices.Contains(lanes[:], 2) != avx512 {
				t.Errorf("two streams together where %s is missing: %v", name, lanes)
			}
			if wide := slices.Contains(lanes[:], 16) || slices.Contains(lanes[:], 8); wide == avx512 {
				t.Errorf("eight or sixteen streams together where %s is missing: %v", name, lanes)
			}
			for _, amd := range []bool{false, true} {
				sha256lanes.MaskFeatures(t, amd, name)
				messages := make([][]byte, 0, 33)
				for i := range cap(messages) {
					messages = append(messages, random(uint64(i), 97*i))
					checkMany(t, messages)
					checkAdvance(t, messages)
				}
			}
		})
	}
}

// On AMD, SHA extensions take four streams with AVX-512, and two without.
func TestAMD(t *testing.T) {
	want := [sha256lanes.MaxLanes + 1]int{1, 1, 2}
	for n := 3; n < len(want); n++ {
		want[n] = 4
	}
	if got := sha256lanes.ImagineAMD(); got != want {
		t.Errorf("got %v lanes, want %v", got, want)
	}
	for n := 3; n < len(want); n++ {
		want[n] = 2
	}
	if got := sha256lanes.ImagineAMD("avx512f"); got != want {
		t.Errorf("without AVX-512: got %v lanes, want %v", got, want)
	}
	want = sha256lanes.ImagineFeatures(false, "sha")
	if got := sha256lanes.ImagineAMD("sha"); got != want {
		t.Errorf("without SHA extensions: got %v lanes, want %v", got, want)
	}
}

// Data is asked for ahead of crypto/sha256 on CPUs that are not AMD's, in FIPS mode too.
func TestAhead(t *testing.T) {
	for _, fips := range []bool{false, true} {
		if !sha256lanes.ImagineAhead(false, fips) || sha256lanes.ImagineAhead(true, fips) {
			t.Errorf("FIPS mode %v: data is asked for on AMD's CPUs, or not on others", fips)
		}
	}
}

// On arm64 streams are taken two by two, if there are the instructions.
func TestARM(t *testing.T) {
	serial := sha256lanes.ImagineFeatures(true)
	for name, lanes := range map[string][sha256lanes.MaxLanes + 1]int{
		"without sha2": sha256lanes.ImagineARM(false, "sha2"),
		"FIPS mode":    sha256lanes.ImagineARM(true),
	} {
		if lanes != serial {
			t.Errorf("%s: got %v lanes", name, lanes)
		}
	}
	want := [sha256lanes.MaxLanes + 1]int{1, 1}
	for n := 2; n < len(want); n++ {
		want[n] = 2
	}
	if got := sha256lanes.ImagineARM(false); got != want {
		t.Errorf("got %v lanes, want %v", got, want)
	}
}

func TestNoKernels(t *testing.T) {
	var serial [sha256lanes.MaxLanes + 1]int
	for i := range serial {
		serial[i] = 1
	}
	if got := sha256lanes.ImagineFeatures(false, sha256lanes.FeatureNames...); got != serial {
		t.Errorf("without features: got %v lanes", got)
	}
	if got := sha256lanes.ImagineFeatures(true); got != serial {
		t.Errorf("FIPS mode: got %v lanes", got)
	}
	if fips140.Enabled() && sha256lanes.Lanes() != 1 {
		t.Errorf("FIPS mode is on: got %d lanes", sha256lanes.Lanes())
	}
}

func TestRate(t *testing.T) {
	for _, missing := range [][]string{nil, {"sha"}, {"avx512f"}, {"sha", "avx512f"}, {"sha2"}} {
		for _, amd := range []bool{false, true} {
			sha256lanes.MaskFeatures(t, amd, missing...)
			if got := sha256lanes.Rate(1); got != 1 {
				t.Errorf("without %v, AMD %v: Rate(1) = %v, want 1", missing, amd, got)
			}
			for n := range 40 {
				if sha256lanes.Rate(n) > sha256lanes.Rate(n+1) {
					t.Errorf("without %v, AMD %v: Rate falls from %d to %d", missing, amd, n, n+1)
				}
			}
			if lanes := sha256lanes.Lanes(); sha256lanes.Rate(lanes) != sha256lanes.Rate(100) {
				t.Errorf("without %v, AMD %v: more than Lanes() = %d is faster", missing, amd, lanes)
			}
		}
	}
}
