package hashing

import (
	"crypto/sha256"
	"io"

	"golang.org/x/crypto/blake2b"

	"github.com/modelsigning/modelsigning/internal/sha256lanes"
	"github.com/modelsigning/modelsigning/manifest"
)

// maxLanes is the most streams that any kernel advances at once.
const maxLanes = sha256lanes.MaxLanes

// A state is a hash in progress: what an engine needs of a [hash.Hash].
type state interface {
	io.Writer
	Sum(b []byte) []byte
	Reset()
}

// A kernel is the way that bytes get hashed, several streams at once where that is faster.
type kernel struct {
	// lanes is how many streams write takes at most.
	lanes int
	// rate is how many bytes a processor hashes of n streams together, relative to one.
	rate func(n int) float64
	// new returns the state of a stream.
	new func() state
	// write advances each state by its own data. The states are different, at most lanes, and made by new. No
	// data is empty; their lengths differ, but for the end of a resource they are multiples of 4 KiB.
	write func(states []state, data [][]byte)
	// sums calls put with the hash of each message, in their order.
	sums func(room *sumsRoom, messages [][]byte, put func(sum []byte))
}

// A sumsRoom is the memory for the sums of one kernel, between calls.
type sumsRoom struct {
	state state               // of oneByOne
	sums  [][sha256.Size]byte // of sumsSHA256
}

func kernelFor(a manifest.Algorithm) kernel {
	switch a {
	case manifest.BLAKE2b:
		return oneByOne(func() state {
			h, _ := blake2b.New512(nil) // fails on long keys only
			return h
		})
	case manifest.BLAKE3:
		return oneByOne(func() state { return new(blake3) })
	default:
		return kernel{
			lanes: sha256lanes.Lanes(),
			rate:  sha256lanes.Rate,
			new:   func() state { return new(sha256State) },
			write: writeSHA256,
			sums:  sumsSHA256,
		}
	}
}

// oneByOne is the kernel of a hash that gains nothing from company.
func oneByOne(new func() state) kernel {
	return kernel{
		lanes: 1,
		rate:  func(n int) float64 { return float64(min(n, 1)) },
		new:   new,
		write: func(states []state, data [][]byte) { states[0].Write(data[0]) },
		sums: func(room *sumsRoom, messages [][]byte, put func(sum []byte)) {
			if room.state == nil {
				room.state = new()
			}
			var sum []byte
			for _, m := range messages {
				room.state.Reset()
				room.state.Write(m)
				sum = room.state.Sum(sum[:0])
				put(sum)
			}
		},
	}
}
