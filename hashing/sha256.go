package hashing

import (
	"crypto/sha256"
	"slices"

	"github.com/modelsigning/modelsigning/internal/sha256lanes"
)

// A sha256State is the state of SHA-256 over a resource. Only the last Write may end inside a block.
type sha256State struct {
	sha256lanes.Stream
	tail [sha256.BlockSize]byte
	n    int // bytes of the tail
}

func (s *sha256State) Reset() { *s = sha256State{} }

func (s *sha256State) Write(p []byte) (int, error) {
	writeSHA256([]state{s}, [][]byte{p})
	return len(p), nil
}

func (s *sha256State) Sum(b []byte) []byte {
	sum := s.Stream.Sum(s.tail[:s.n])
	return append(b, sum[:]...)
}

func writeSHA256(states []state, data [][]byte) {
	var streams [maxLanes]*sha256lanes.Stream
	var blocks [maxLanes][]byte
	for i, p := range data {
		s := states[i].(*sha256State)
		whole := len(p) &^ (sha256.BlockSize - 1)
		s.n = copy(s.tail[:], p[whole:])
		streams[i], blocks[i] = &s.Stream, p[:whole]
	}
	sha256lanes.Advance(streams[:len(data)], blocks[:len(data)])
}

func sumsSHA256(room *sumsRoom, messages [][]byte, put func(sum []byte)) {
	n := len(messages)
	room.sums = slices.Grow(room.sums[:0], n)[:n]
	sha256lanes.SumMany(room.sums, messages)
	for i := range room.sums {
		put(room.sums[i][:])
	}
}
