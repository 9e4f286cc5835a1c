package blake3lanes

import "testing"

// HasLanes reports whether there are kernels.
func HasLanes() bool { return useLanes }

// WithoutLanes hashes as a machine without kernels does until the test ends.
func WithoutLanes(t testing.TB) {
	before := useLanes
	useLanes = false
	t.Cleanup(func() { useLanes = before })
}
