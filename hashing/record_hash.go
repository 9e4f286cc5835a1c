package hashing

import (
	"crypto/sha256"
	"hash"

	"github.com/modelsigning/modelsigning/manifest"
)

// NewHash returns a hash of the whole content of a file, or of a shard, or nil if the algorithm is unknown. It is for those
// who have the bytes at hand: [Configuration.Hash] and [Configuration.Record] hash many at once. It is for one goroutine at a
// time.
func NewHash(a manifest.Algorithm) hash.Hash {
	switch a {
	case manifest.SHA256:
		return sha256.New() // the state of the lanes does not take writes of any length
	case manifest.BLAKE2b, manifest.BLAKE3:
		return kernelFor(a).new().(hash.Hash)
	}
	return nil
}

// stateSize is about how much memory a state of NewHash takes, and the shard that it is of.
func stateSize(a manifest.Algorithm) int64 {
	if a == manifest.BLAKE3 {
		return 50 << 10
	}
	return 512
}

// borrow returns a state of nothing yet, and sum gives it back.
func (r *Recorder) borrow() state {
	h := r.states.Get().(state)
	h.Reset()
	return h
}

func (r *Recorder) sum(h state) manifest.Digest {
	var sum [64]byte
	d := manifest.NewDigest(r.serialization.Algorithm, h.Sum(sum[:0]))
	r.states.Put(h)
	return d
}

// checked returns what the caller of SetCheck has against a resource.
func (r *Recorder) checked(done manifest.Resource) error {
	if r.check == nil {
		return nil
	}
	return r.check(done)
}
