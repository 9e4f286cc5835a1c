package sha256lanes_test

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/modelsigning/modelsigning/internal/sha256lanes"
)

// BenchmarkAdvance hashes 1 MiB in cache, split among n streams. Compare with std: crypto/sha256, one stream.
func BenchmarkAdvance(b *testing.B) {
	const total = 1 << 20
	buf := make([]byte, total)
	b.Run("std", func(b *testing.B) {
		h := sha256.New()
		b.SetBytes(total)
		for b.Loop() {
			h.Write(buf)
		}
	})
	for _, n := range []int{1, 2, 3, 4, 6, 8, 10, 12, 16} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			size := total / n &^ (sha256lanes.BlockSize - 1)
			streams := make([]*sha256lanes.Stream, n)
			data := make([][]byte, n)
			for i := range streams {
				streams[i] = new(sha256lanes.Stream)
				data[i] = buf[i*size:][:size]
			}
			b.SetBytes(int64(n * size))
			b.ReportAllocs()
			for b.Loop() {
				sha256lanes.Advance(streams, data)
			}
		})
	}
}

// BenchmarkSumMany hashes 64 messages of one size.
func BenchmarkSumMany(b *testing.B) {
	for _, size := range []int{32, 256, 1 << 10, 4 << 10, 64 << 10} {
		messages := make([][]byte, 64)
		buf := make([]byte, size)
		for i := range messages {
			messages[i] = make([]byte, size)
		}
		sums := make([][sha256.Size]byte, len(messages))
		b.Run(fmt.Sprintf("std/%d", size), func(b *testing.B) {
			b.SetBytes(int64(len(messages) * size))
			for b.Loop() {
				for i := range messages {
					sums[i] = sha256.Sum256(messages[i])
				}
			}
		})
		_ = buf
		b.Run(fmt.Sprintf("lanes/%d", size), func(b *testing.B) {
			b.SetBytes(int64(len(messages) * size))
			b.ReportAllocs()
			for b.Loop() {
				sha256lanes.SumMany(sums, messages)
			}
		})
	}
}
