//go:build amd64 && !purego

package blake3lanes

import "golang.org/x/sys/cpu"

// useLanes is changed by tests alone.
var useLanes = cpu.X86.HasAVX2 && cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL

func (s *Scratch) lanes(data []byte, counter uint64) (cv [8]uint32) {
	n := len(data) / Leaf
	chunks16(&s.groups[0], &s.blocks, &data[0], counter, n)
	for ; n > 1; n /= 2 {
		parents16(&s.groups[0], &s.groups[0], n/2)
	}
	// Half of the sixteen nodes become parents, then a quarter …, and the other lanes hash what lies there.
	for range 4 {
		parents16(&s.groups[0], &s.groups[0], 1)
	}
	for i := range cv {
		cv[i] = s.groups[0][i][0]
	}
	return cv
}
