package hashing

import (
	"crypto/sha256"

	"github.com/modelsigning/modelsigning/manifest"
)

// newState returns a state that takes writes of any length, as that of the lanes of SHA-256 does not.
func newState(a manifest.Algorithm) state {
	if a == manifest.SHA256 {
		return sha256.New()
	}
	return kernelFor(a).new()
}

// stateSize is about how much memory a state of newState takes, and the shard that it is of.
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
