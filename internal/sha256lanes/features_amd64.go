//go:build amd64 && !purego

package sha256lanes

import "golang.org/x/sys/cpu"

func detect() features {
	f := features{
		avx2:     cpu.X86.HasAVX2,
		avx512f:  cpu.X86.HasAVX512F,
		avx512bw: cpu.X86.HasAVX512BW,
		avx512vl: cpu.X86.HasAVX512VL,
		ssse3:    cpu.X86.HasSSSE3,
		sse41:    cpu.X86.HasSSE41,
	}
	leaves, ebx, ecx, edx := cpuid(0, 0)
	f.amd = ebx == 0x68747541 && edx == 0x69746e65 && ecx == 0x444d4163 // "AuthenticAMD"
	if leaves >= 7 {
		_, ebx, _, _ := cpuid(7, 0)
		f.sha = ebx&(1<<29) != 0
	}
	return f
}

// blocks advances the first lanes of w.states by n blocks each of w.data.
func (w *workspace) blocks(k kernel, n int) {
	switch k {
	case wide16Kernel:
		wide16(&w.states, &w.data, &w.scratch, n)
	case wide8Kernel:
		wide8((*[8]*[8]uint32)(w.states[:]), (*[8]*byte)(w.data[:]), &w.scratch, n)
	case quadKernel:
		quad((*[4]*[8]uint32)(w.states[:]), (*[4]*byte)(w.data[:]), &w.scratch, n)
	case mixedKernel:
		mixed((*[2]*[8]uint32)(w.states[:]), (*[2]*byte)(w.data[:]), &w.scratch, n)
	case pairKernel:
		pair((*[2]*[8]uint32)(w.states[:]), (*[2]*byte)(w.data[:]), &w.scratch, n)
	default:
		panic("sha256lanes: no such kernel")
	}
}

// fetch is how many bytes are asked for at once, while as many are hashed.
const fetch = 1 << 10

// prefetch asks for data that is needed soon, whole blocks of it. Only examples/bench, on a large file, tells whether it does.
func prefetch(data []byte) {
	if len(data) > 0 {
		prefetchLines(&data[0], len(data)/BlockSize)
	}
}
