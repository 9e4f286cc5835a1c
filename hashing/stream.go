package hashing

import (
	"github.com/modelsigning/modelsigning/manifest"
)

// A part is a range of a file that one stream hashes from its beginning to its end: one resource, several, or a
// piece of one.
type part struct {
	file       int
	start, end int64
	pieces     *pieces // the resource is hashed in pieces, if not nil
	piece      int     // which of them this is
}

// A stream is a part that is being hashed.
type stream struct {
	part
	from     *handle
	hash     state
	resource int
	until    int64  // where the resource, or the piece of it, ends
	pos      int64  // of the next byte to hash
	taken    int64  // how much was left when a worker took it
	data     []byte // what has been read and is not hashed yet
}

// begin makes s hash p.
func (e *engine) begin(s *stream, p part) {
	f := e.files[p.file]
	s.part, s.pos = p, p.start
	s.resource = f.first
	if span := e.span(f.size); span > 0 {
		s.resource += int(p.start / span)
	}
	if s.hash == nil {
		s.hash = e.kernel.new()
	}
	s.hash.Reset()
	if s.pieces != nil {
		s.hash.(*blake3).seek(s.piece)
	}
	s.until = e.border(s)
}

// border returns where the current resource ends, as far as it belongs to s.
func (e *engine) border(s *stream) int64 {
	return s.pos + min(e.span(e.files[s.file].size), s.end-s.pos)
}

func (s *stream) left() int64 { return s.end - s.pos }

// load makes the next bytes of s ready to be hashed, at most size, in a window.
func (s *stream) load(e *engine, v *window, size int64) (err error) {
	if s.left() > 0 {
		s.data, err = v.load(e, s.from, s.pos, e.step(s, s.pos, size))
	}
	return err
}

// step returns how many bytes from pos on to load at once, at most size. What ends before its resource does is a
// multiple of size.
func (e *engine) step(s *stream, pos, size int64) int64 {
	span := e.span(e.files[s.file].size)
	n := span - (pos-s.start)%span // what is left of the resource
	if n >= size {
		n = size
	} else {
		n += (size - n) / span * span
	}
	return min(n, s.end-pos)
}

// finish puts the digest of what has been hashed where it belongs, and goes on to the next resource.
func (e *engine) finish(s *stream) {
	var sum [64]byte
	a := e.serialization.Algorithm
	switch {
	case s.pieces == nil:
		e.resources[s.resource].Digest = manifest.NewDigest(a, s.hash.Sum(sum[:0]))
	case s.pieces.set(s.piece, s.hash.(*blake3)):
		e.resources[s.resource].Digest = manifest.NewDigest(a, joinBLAKE3(sum[:0], s.pieces.cvs))
	}
	if s.left() > 0 {
		s.resource++
		s.hash.Reset()
		s.until = e.border(s)
	}
}

// Lanes are the arguments of a kernel.
type lanes struct {
	states  [maxLanes]state
	data    [maxLanes][]byte
	streams [maxLanes]*stream
}

// advance hashes what the streams have loaded, and closes the files that are done.
func (w *worker) advance(streams []*stream) error {
	for {
		n := 0
		for _, s := range streams {
			if len(s.data) == 0 {
				continue
			}
			w.streams[n], w.states[n] = s, s.hash
			w.data[n] = s.data[:min(int64(len(s.data)), s.until-s.pos)]
			n++
		}
		if n == 0 {
			return nil
		}
		w.kernel.write(w.states[:n], w.data[:n])
		for i, s := range w.streams[:n] {
			if err := w.advanced(s, len(w.data[i])); err != nil {
				w.fail(s.file, err)
				return err
			}
		}
	}
}

func (w *worker) advanced(s *stream, n int) error {
	s.pos += int64(n)
	s.data = s.data[n:]
	if s.pos == s.until {
		w.finish(s)
	}
	w.progress.add(w.files[s.file].path, n)
	if s.left() == 0 {
		return s.from.release(w.engine)
	}
	return nil
}
