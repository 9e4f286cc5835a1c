//go:build !amd64 || purego

package sha256lanes

func detect() features { return features{} }

func (w *workspace) blocks(width, n int) { panic("sha256lanes: no such kernel") }
