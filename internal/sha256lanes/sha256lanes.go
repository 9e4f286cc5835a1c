// Package sha256lanes computes many SHA-256 at once.
//
// One SHA-256 is a chain: each step waits for the one before, and most of a core idles meanwhile.
// Independent streams fill the gaps. This package advances
//
//   - sixteen or eight streams together, a lane of each vector register for each, with AVX-512 F, BW and VL on CPUs that
//     are not AMD's (Intel servers since Skylake);
//   - four streams together, with that AVX-512 and SHA, SSSE3 and SSE4.1 on AMD's (since Zen 4);
//   - two streams together, with SHA, SSSE3 and SSE4.1 (AMD since Zen, Intel since Ice Lake, whose CPUs make the message
//     schedules with AVX-512 if they have it), or with the SHA-2 instructions of an arm64 CPU (nearly all);
//   - a stream left alone, and everything on any other CPU or architecture, with crypto/sha256.
//
// Which it is, is chosen for every step by how many streams there are. [Lanes] and [Rate] tell a caller that schedules work
// what pays. Built with the tag purego, or running in FIPS 140 mode ([crypto/fips140.Enabled]), all hashing is done by
// crypto/sha256.
//
// Different calls may run at the same time as long as they have no Stream and no destination in common.
// Nothing is started in the background, and nothing is allocated once a few calls have been made.
//
// # Mapped files
//
// The data may be a mapped file. If reading it faults (it was truncated, its disk failed) under
// [runtime/debug.SetPanicOnFault], the panic may be recovered. The streams of that call then cannot be
// used again: Advance and Sum panic until they are set to Stream{}. What SumMany had written means nothing.
package sha256lanes

// Generators are a module of their own. go -C ../lanesgen test ./... checks that what they write is what is committed.
//go:generate go -C ../lanesgen/sha256lanes run .

import (
	"crypto/sha256"
	"encoding/binary"
)

const (
	// MaxLanes is the largest value that Lanes returns on any CPU.
	MaxLanes = 16

	// BlockSize is the unit of Advance, in bytes.
	BlockSize = sha256.BlockSize
)

// initial is H(0) of FIPS 180-4, section 5.3.3.
var initial = [8]uint32{
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
}

// A Stream is a SHA-256 in progress, at a block boundary. The zero value is the hash of nothing yet. It is
// a plain value: a copy is a checkpoint.
type Stream struct {
	state  [8]uint32 // undefined while length is 0
	length uint64    // bytes hashed so far
	busy   bool      // between the beginning and the end of Advance
}

// Advance appends data[i] to streams[i], for every i. Each length must be a multiple of BlockSize; they may
// differ. There may be any number of streams; it is best to have Lanes of them or more, with a few KiB each and
// more. Advance panics if the slices differ in length, or if a stream occurs twice.
func Advance(streams []*Stream, data [][]byte) {
	if len(streams) != len(data) {
		panic("sha256lanes: streams and data differ in length")
	}
	for _, d := range data {
		if len(d)%BlockSize != 0 {
			panic("sha256lanes: data is not whole blocks")
		}
	}
	for _, s := range streams {
		s.begin()
	}
	w := workspaces.Get().(*workspace)
	for next := 0; ; w.step() {
		for ; next < len(streams) && w.n < MaxLanes; next++ {
			w.add(lane{state: &streams[next].state, data: data[next]})
		}
		if w.n == 0 {
			break
		}
	}
	workspaces.Put(w)
	for i, s := range streams {
		s.length += uint64(len(data[i]))
		s.busy = false
	}
}

func (s *Stream) begin() {
	if s.busy {
		panic("sha256lanes: stream is in use or was interrupted")
	}
	s.busy = true
	if s.length == 0 {
		s.state = initial
	}
}

// Sum returns the SHA-256 of all that was appended to s, followed by tail, which may have any length.
// It does not change s.
func (s *Stream) Sum(tail []byte) [sha256.Size]byte {
	if s.busy {
		panic("sha256lanes: stream is in use or was interrupted")
	}
	if s.length == 0 {
		return sha256.Sum256(tail)
	}
	w := workspaces.Get().(*workspace)
	sum := w.serial.sum(&s.state, s.length, tail)
	workspaces.Put(w)
	return sum
}

// SumMany sets sums[i] to the SHA-256 of messages[i], for every i. The messages may have any length. Lanes
// that finish early take the next message, so that it is best to have many, the longest first. SumMany
// panics if the slices differ in length.
func SumMany(sums [][sha256.Size]byte, messages [][]byte) {
	if len(sums) != len(messages) {
		panic("sha256lanes: sums and messages differ in length")
	}
	if len(messages) == 1 || Lanes() == 1 {
		for i, m := range messages {
			sums[i] = sha256.Sum256(m)
		}
		return
	}
	w := workspaces.Get().(*workspace)
	for next := 0; ; w.step() {
		for ; next < len(messages) && w.n < MaxLanes; next++ {
			w.addMessage(&sums[next], messages[next])
		}
		if w.n == 0 {
			break
		}
	}
	workspaces.Put(w)
}

// pad writes the last blocks of a message of the given length, whose last, partial block is rest, into
// buf and returns them: FIPS 180-4, section 5.1.1.
func pad(buf *[2 * BlockSize]byte, rest []byte, length int) []byte {
	size := BlockSize
	if len(rest)+1+8 > BlockSize {
		size = 2 * BlockSize
	}
	n := copy(buf[:], rest)
	clear(buf[n:size])
	buf[n] = 0x80
	binary.BigEndian.PutUint64(buf[size-8:], 8*uint64(length))
	return buf[:size]
}

func putSum(sum *[sha256.Size]byte, state *[8]uint32) {
	for i, word := range state {
		binary.BigEndian.PutUint32(sum[4*i:], word)
	}
}
