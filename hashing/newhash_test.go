package hashing_test

import (
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"golang.org/x/crypto/blake2b"
	reference "lukechampine.com/blake3"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// NewHash takes writes of any length, and is used again after Reset.
func TestNewHash(t *testing.T) {
	data := make([]byte, 3<<20)
	random := rand.NewChaCha8([32]byte{})
	random.Read(data)
	for a, sum := range map[manifest.Algorithm]func(data []byte) string{
		manifest.SHA256:  func(data []byte) string { s := sha256.Sum256(data); return hex.EncodeToString(s[:]) },
		manifest.BLAKE2b: func(data []byte) string { s := blake2b.Sum512(data); return hex.EncodeToString(s[:]) },
		manifest.BLAKE3:  func(data []byte) string { s := reference.Sum256(data); return hex.EncodeToString(s[:]) },
	} {
		h := hashing.NewHash(a)
		if h.Size() != a.Size() {
			t.Errorf("%s has %d bytes, want %d", a, h.Size(), a.Size())
		}
		for _, size := range []int{0, 1, h.BlockSize(), 100_000, len(data)} {
			h.Reset()
			for rest := data[:size]; len(rest) > 0; {
				n := min(int(random.Uint64()%200_000), len(rest))
				h.Write(rest[:n])
				rest = rest[n:]
			}
			if got, want := hex.EncodeToString(h.Sum(nil)), sum(data[:size]); got != want {
				t.Errorf("%s of %d bytes: got %s, want %s", a, size, got, want)
			}
		}
	}
	if h := hashing.NewHash("md5"); h != nil {
		t.Errorf("got %T", h)
	}
}
