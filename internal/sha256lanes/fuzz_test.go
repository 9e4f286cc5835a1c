package sha256lanes_test

import (
	"slices"
	"testing"

	"github.com/modelsigning/modelsigning/internal/sha256lanes"
)

// cut makes messages of data: each byte of sizes is the length of one, in units of 1, 3 or 64 bytes by its
// top bits, and they overlap and lie at any alignment.
func cut(data, sizes []byte) [][]byte {
	messages := make([][]byte, 0, 40)
	at := 0
	for _, size := range sizes[:min(len(sizes), cap(messages))] {
		n := int(size&0x3f) * []int{1, 3, 64, 64}[size>>6]
		if size>>6 == 3 {
			n++
		}
		if len(data) > 0 {
			at = (at*31 + int(size) + 1) % len(data)
		}
		messages = append(messages, data[at:min(len(data), at+n)])
	}
	return messages
}

func fuzz(f *testing.F, check func(*testing.T, [][]byte)) {
	names := []string{"serial", "ahead"}
	for name := range sha256lanes.Kernels() {
		names = append(names, name)
	}
	slices.Sort(names)
	data := random(1, 4096)
	for n := range 2 * sha256lanes.MaxLanes {
		sizes := random(uint64(n), n)
		f.Add(uint8(n), data, sizes)
		for i := range sizes {
			sizes[i] = 0x83
		}
		f.Add(uint8(n), data, sizes)
	}
	for _, size := range []byte{0, 1, 55, 56, 63, 0x40 + 21, 0x40 + 22, 0x80 + 1, 0x80 + 3, 0xc0 + 1, 0xc0 + 3} {
		f.Add(size, data, slices.Repeat([]byte{size, 0x81}, 9))
	}
	f.Fuzz(func(t *testing.T, kernel uint8, data, sizes []byte) {
		if i := int(kernel) % (len(names) + 1); i < len(names) {
			sha256lanes.UseKernel(t, names[i])
		}
		check(t, cut(data, sizes))
	})
}

func FuzzAdvance(f *testing.F) { fuzz(f, checkAdvance) }

func FuzzSumMany(f *testing.F) { fuzz(f, checkMany) }
