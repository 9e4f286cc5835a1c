package hashing

import (
	"crypto/sha256"
	"hash"

	"golang.org/x/crypto/blake2b"

	"github.com/modelsigning/modelsigning/manifest"
)

// maxLanes is the most streams that any kernel advances at once.
const maxLanes = 16

// A kernel is the way that bytes get hashed, several streams at once where that is faster.
type kernel struct {
	// lanes is how many streams write takes at most.
	lanes int
	// new returns the state of a stream.
	new func() hash.Hash
	// write advances each state by its own data. The states are different, at most lanes, and made by new. No
	// data is empty; their lengths differ, but for the end of a resource they are multiples of 4 KiB.
	write func(states []hash.Hash, data [][]byte)
}

func kernelFor(a manifest.Algorithm) kernel {
	k := kernel{lanes: 1, write: oneByOne}
	switch a {
	case manifest.BLAKE2b:
		k.new = func() hash.Hash {
			h, _ := blake2b.New512(nil) // fails on long keys only
			return h
		}
	case manifest.BLAKE3:
		k.new = func() hash.Hash { return new(blake3) }
	default:
		k.new = sha256.New
	}
	return k
}

func oneByOne(states []hash.Hash, data [][]byte) {
	for i, h := range states {
		h.Write(data[i])
	}
}

// width returns how many of the active streams a worker should take.
func (k kernel) width(active, workers int) int {
	return min(k.lanes, (active+workers-1)/workers)
}
