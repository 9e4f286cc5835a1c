//go:build arm64 && !purego

package sha256lanes

import "golang.org/x/sys/cpu"

func detect() features { return features{sha2: cpu.ARM64.HasSHA2} }

// blocks advances the first lanes of w.states by n blocks each of w.data.
func (w *workspace) blocks(k kernel, n int) {
	if k != pairKernel {
		panic("sha256lanes: no such kernel")
	}
	pair((*[2]*[8]uint32)(w.states[:]), (*[2]*byte)(w.data[:]), n)
}

const fetch = 0 // nothing is asked for ahead

func prefetch([]byte) {}
