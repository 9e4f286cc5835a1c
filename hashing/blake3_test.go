package hashing_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// Where subtrees begin and end depends on how much is written at once; the digest does not.
func TestBLAKE3Subtrees(t *testing.T) {
	const leaf = 16 << 10
	data := make([]byte, 5<<20)
	for i := range data {
		data[i] = byte(i*i>>7 ^ i)
	}
	root, want := t.TempDir(), map[string]string{}
	for _, leaves := range []int{0, 1, 2, 3, 4, 7, 8, 9, 16, 63, 64, 65, 128, 129, 192, 300} {
		for _, more := range []int{-1025, -1, 0, 1, 1024, 1025} {
			if size := leaves*leaf + more; size >= 0 {
				name := fmt.Sprint(size)
				must(t, os.WriteFile(filepath.Join(root, name), data[:size], 0o666))
				want[name] = digest(manifest.BLAKE3, data[:size])
			}
		}
	}
	for _, chunk := range []int{4 << 10, 12 << 10, 20 << 10, 128 << 10, 1 << 20} {
		c := hashing.Config().UseFileSerialization(hashing.Files{Algorithm: manifest.BLAKE3, ChunkSize: chunk})
		m, err := c.Hash(root)
		must(t, err)
		for _, r := range m.Resources {
			if r.Digest.Hex != want[r.Path] {
				t.Errorf("%s bytes, %d at once: got %s, want %s", r.Path, chunk, r.Digest.Hex, want[r.Path])
			}
		}
	}
}
