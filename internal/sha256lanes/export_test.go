package sha256lanes

import "testing"

var kernelNames = map[string]kernel{
	"pair": pairKernel, "quad": quadKernel, "mixed": mixedKernel, "wide8": wide8Kernel, "wide16": wide16Kernel,
}

// Kernels maps the names of all kernels that this CPU and build can run, besides crypto/sha256, to the
// number of streams that each takes.
func Kernels() map[string]int {
	intel := detect()
	intel.amd = false // each vendor's plan leaves some out
	amd, noAVX512, noSHA := intel, intel, intel
	amd.amd = true
	noAVX512.avx512f = false
	noSHA.sha = false
	able := map[string]int{}
	for name, k := range kernelNames {
		for _, f := range []features{intel, amd, noAVX512, noSHA} {
			if f.rates()[k] > 0 {
				able[name] = k.lanes()
			}
		}
	}
	return able
}

// UseKernel makes the rest of a test use one kernel for any number of streams, or crypto/sha256 if the
// name is not one of Kernels, and ask for data ahead of it if the name is "ahead".
func UseKernel(t testing.TB, name string) {
	k := kernelNames[name]
	p := plan{ahead: name == "ahead"}
	for n := range p.kernel {
		p.kernel[n], p.rate[n] = k, 1
	}
	setPlan(t, p)
}

// FeatureNames are the features of amd64 that MaskFeatures and the others below know.
var FeatureNames = []string{"avx2", "avx512f", "avx512bw", "avx512vl", "sha", "ssse3", "sse41"}

// amd64 are all features of that architecture, as of Intel.
var amd64 = features{avx2: true, avx512f: true, avx512bw: true, avx512vl: true, sha: true, ssse3: true, sse41: true}

// MaskFeatures makes the rest of a test run as if the CPU lacked some features, and were AMD's if amd.
func MaskFeatures(t testing.TB, amd bool, names ...string) {
	f := detect()
	f.amd = amd
	f.clear(names)
	setPlan(t, choose(f, false))
}

// ImagineFeatures returns, by number of streams, the lanes that would be used on an amd64 CPU with all features but
// these.
func ImagineFeatures(fips bool, missing ...string) [MaxLanes + 1]int {
	return amd64.lanes(fips, missing)
}

// ImagineAMD is ImagineFeatures on a CPU of AMD.
func ImagineAMD(missing ...string) [MaxLanes + 1]int {
	f := amd64
	f.amd = true
	return f.lanes(false, missing)
}

// IsAMD reports whether this CPU is taken for one of AMD.
func IsAMD() bool { return detect().amd }

// ImagineAhead reports whether data would be asked for ahead of crypto/sha256.
func ImagineAhead(amd, fips bool) bool {
	f := amd64
	f.amd = amd
	return choose(f, fips).ahead
}

// ImagineARM is ImagineFeatures on an arm64 CPU, whose only feature here is sha2.
func ImagineARM(fips bool, missing ...string) [MaxLanes + 1]int {
	return features{sha2: true}.lanes(fips, missing)
}

func (f features) lanes(fips bool, missing []string) [MaxLanes + 1]int {
	f.clear(missing)
	var lanes [MaxLanes + 1]int
	for n, k := range choose(f, fips).kernel {
		lanes[n] = k.lanes()
	}
	return lanes
}

func (f *features) clear(names []string) {
	for _, name := range names {
		*map[string]*bool{
			"avx2": &f.avx2, "avx512f": &f.avx512f, "avx512bw": &f.avx512bw, "avx512vl": &f.avx512vl,
			"sha": &f.sha, "ssse3": &f.ssse3, "sse41": &f.sse41, "sha2": &f.sha2,
		}[name] = false
	}
}

func setPlan(t testing.TB, p plan) {
	old := current
	current = p
	t.Cleanup(func() { current = old })
}
