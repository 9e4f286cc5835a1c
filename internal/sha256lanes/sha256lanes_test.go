package sha256lanes_test

import (
	"crypto/sha256"
	"math/rand/v2"
	"testing"

	"github.com/modelsigning/modelsigning/internal/sha256lanes"
)

func random(seed uint64, n int) []byte {
	b := make([]byte, n)
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	rand.NewChaCha8(key).Read(b)
	return b
}

func TestSumMany(t *testing.T) {
	for n := 1; n <= 40; n++ {
		messages := make([][]byte, n)
		for i := range messages {
			messages[i] = random(uint64(i), 64*(i%5)+n)
		}
		sums := make([][32]byte, n)
		sha256lanes.SumMany(sums, messages)
		for i := range sums {
			if want := sha256.Sum256(messages[i]); sums[i] != want {
				t.Errorf("%d messages: %d: got %x, want %x", n, i, sums[i], want)
			}
		}
	}
}

func TestAdvance(t *testing.T) {
	for n := 1; n <= 20; n++ {
		data := make([][]byte, n)
		st := make([]*sha256lanes.Stream, n)
		for i := range data {
			data[i] = random(uint64(i), 64*(i+1))
			st[i] = new(sha256lanes.Stream)
		}
		sha256lanes.Advance(st, data)
		sha256lanes.Advance(st, data)
		for i := range data {
			want := sha256.Sum256(append(append(data[i][:len(data[i]):len(data[i])], data[i]...), 'x'))
			if got := st[i].Sum([]byte("x")); got != want {
				t.Errorf("%d: %d: got %x, want %x", n, i, got, want)
			}
		}
	}
}
