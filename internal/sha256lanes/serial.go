package sha256lanes

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"hash"
)

// A serial advances one stream at a time with crypto/sha256. A state goes there and back in the form of
// the hash's MarshalBinary, which costs as much as hashing a few blocks.
type serial struct {
	hash interface {
		hash.Hash
		encoding.BinaryAppender
		encoding.BinaryUnmarshaler
	}
	marshaled []byte
}

// The marshaled form: magic, eight words of state, a partial block, the length.
const (
	magic         = "sha\x03"
	marshaledSize = len(magic) + sha256.Size + BlockSize + 8
)

func newSerial() serial {
	var s serial
	s.hash = sha256.New().(interface {
		hash.Hash
		encoding.BinaryAppender
		encoding.BinaryUnmarshaler
	})
	s.marshaled = make([]byte, 0, marshaledSize)
	return s
}

// advance hashes data, which is whole blocks. The state is not changed before the end.
func (s *serial) advance(state *[8]uint32, data []byte) {
	s.load(state, 0)
	for len(data) > 0 {
		n := min(len(data), maxStep)
		if current.ahead && fetch > 0 {
			n = min(n, fetch)
			prefetch(data[n:min(2*n, len(data))])
		}
		s.hash.Write(data[:n])
		data = data[n:]
	}
	b, err := s.hash.AppendBinary(s.marshaled[:0])
	if err != nil {
		panic("sha256lanes: " + err.Error())
	}
	for i := range state {
		state[i] = binary.BigEndian.Uint32(b[len(magic)+4*i:])
	}
}

func (s *serial) sum(state *[8]uint32, length uint64, tail []byte) (sum [sha256.Size]byte) {
	s.load(state, length)
	s.hash.Write(tail)
	copy(sum[:], s.hash.Sum(s.marshaled[:0]))
	return sum
}

func (s *serial) load(state *[8]uint32, length uint64) {
	b := append(s.marshaled[:0], magic...)
	for _, word := range state {
		b = binary.BigEndian.AppendUint32(b, word)
	}
	b = append(b, make([]byte, BlockSize)...)
	b = binary.BigEndian.AppendUint64(b, length)
	if err := s.hash.UnmarshalBinary(b); err != nil {
		panic("sha256lanes: " + err.Error())
	}
}
