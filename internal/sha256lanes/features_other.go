//go:build (!amd64 && !arm64) || purego

package sha256lanes

func detect() features { return features{} }

func (w *workspace) blocks(k kernel, n int) { panic("sha256lanes: no such kernel") }

const fetch = 0 // nothing is asked for ahead

func prefetch([]byte) {}
