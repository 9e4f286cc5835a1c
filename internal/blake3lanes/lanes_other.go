//go:build !amd64 || purego

package blake3lanes

// useLanes is changed by tests alone.
var useLanes = false

func (s *Scratch) lanes([]byte, uint64) [8]uint32 { panic("blake3lanes: there are no kernels") }
