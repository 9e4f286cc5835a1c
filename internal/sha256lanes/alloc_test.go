//go:build !race

package sha256lanes_test

import (
	"crypto/sha256"
	"testing"

	"github.com/modelsigning/modelsigning/internal/sha256lanes"
)

// The race detector makes sync.Pool forget, so this test does not run under it.
func TestAllocations(t *testing.T) {
	messages := make([][]byte, 3*sha256lanes.MaxLanes)
	streams := make([]*sha256lanes.Stream, len(messages))
	for i := range messages {
		messages[i] = random(uint64(i), 20*block)
		streams[i] = new(sha256lanes.Stream)
	}
	sums := make([][sha256.Size]byte, len(messages))
	eachKernel(t, func(t *testing.T) {
		for name, f := range map[string]func(){
			"Advance": func() { sha256lanes.Advance(streams, messages) },
			"SumMany": func() { sha256lanes.SumMany(sums, messages) },
			"Sum":     func() { streams[0].Sum(messages[0]) },
		} {
			if n := testing.AllocsPerRun(100, f); n != 0 {
				t.Errorf("%s: %v allocations", name, n)
			}
		}
	})
}
