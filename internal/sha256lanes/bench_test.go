package sha256lanes_test

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/modelsigning/modelsigning/internal/sha256lanes"
)

// cached is how many bytes a benchmark hashes at a time: they stay in the second-level cache.
const cached = 512 << 10

// BenchmarkAdvance divides the data among n streams. std is crypto/sha256 with one stream.
func BenchmarkAdvance(b *testing.B) {
	b.Run("std", benchmarkStd)
	for _, n := range []int{1, 2, 4, 6, 8, 10, 12, 14, 16} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { benchmarkAdvance(b, n) })
	}
}

// BenchmarkKernel runs each kernel that this CPU has with as many streams as it takes.
func BenchmarkKernel(b *testing.B) {
	b.Run("std", benchmarkStd)
	for name, lanes := range sha256lanes.Kernels() {
		b.Run(name, func(b *testing.B) {
			sha256lanes.UseKernel(b, name)
			benchmarkAdvance(b, lanes)
		})
	}
}

func benchmarkStd(b *testing.B) {
	buf := make([]byte, cached)
	h := sha256.New()
	b.SetBytes(cached)
	for b.Loop() {
		h.Write(buf)
	}
}

func benchmarkAdvance(b *testing.B, n int) {
	size := cached / n &^ (block - 1)
	buf := make([]byte, n*size)
	streams := make([]*sha256lanes.Stream, n)
	data := make([][]byte, n)
	for i := range streams {
		streams[i] = new(sha256lanes.Stream)
		data[i] = buf[i*size:][:size]
	}
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		sha256lanes.Advance(streams, data)
	}
}

// BenchmarkSumMany hashes 64 messages of one size. std is crypto/sha256, one after another.
func BenchmarkSumMany(b *testing.B) {
	for _, size := range []int{32, 256, 1 << 10, 4 << 10, 16 << 10} {
		messages := make([][]byte, 64)
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
		b.Run(fmt.Sprintf("lanes/%d", size), func(b *testing.B) {
			b.SetBytes(int64(len(messages) * size))
			b.ReportAllocs()
			for b.Loop() {
				sha256lanes.SumMany(sums, messages)
			}
		})
	}
}
