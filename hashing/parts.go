package hashing

import (
	"sync/atomic"

	"lukechampine.com/blake3/guts"

	"github.com/modelsigning/modelsigning/manifest"
)

// minPart is the least that a stream is made for, if the file has as much: small shards share one.
const minPart = 8 << 20

// maxPieces is how many pieces a resource is cut into at most, each of which takes 32 bytes of memory. Larger ones, of
// terabytes, are mostly holes, which cost who makes them nothing: a stream hashes all of one.
const maxPieces = 1 << 20

// Parts cuts a file into parts, one after the other, since a file of terabytes has many.
type parts struct {
	*handle
	at, end int64
	span    int64 // of a resource
	step    int64 // of a part
	pieces  *pieces
	piece   int
	until   int64 // where the resource that is cut into pieces ends
}

func (e *engine) parts(i int) parts {
	size := e.files[i].size
	p := parts{handle: &handle{file: i}, span: e.span(size)}
	p.at, p.end = e.files[i].extent()
	p.until = p.at
	switch {
	case !e.tree.seeks:
		p.step = size
	case e.serialization.Algorithm == manifest.BLAKE3 && p.span > blake3Piece && p.span <= blake3Piece*maxPieces:
		p.step = blake3Piece
	case p.span < minPart:
		p.step = min(p.span*ceil(minPart, p.span), size)
	default:
		p.step = p.span
	}
	p.handle.parts.Store(p.count())
	return p
}

// pieced reports whether resources are cut into pieces.
func (p *parts) pieced() bool { return p.step < p.span }

func (p *parts) count() int64 {
	size := p.end - p.at
	if !p.pieced() {
		return ceil(size, p.step)
	}
	return size/p.span*ceil(p.span, p.step) + ceil(size%p.span, p.step)
}

// ceil returns n/d, rounded up, also where n+d is more than an int64 holds.
func ceil(n, d int64) int64 {
	if n%d != 0 {
		return n/d + 1
	}
	return n / d
}

func (p *parts) done() bool { return p.at == p.end }

func (p *parts) next() part {
	next := part{file: p.handle.file, start: p.at, end: p.at + min(p.step, p.end-p.at)}
	if p.pieced() {
		if p.at == p.until {
			p.until += min(p.span, p.end-p.at)
			p.pieces = newPieces(p.until-p.at, p.step)
			p.piece = 0
		}
		next.end = min(next.end, p.until)
		if len(p.pieces.cvs) > 1 {
			next.pieces, next.piece = p.pieces, p.piece
		}
		p.piece++
	}
	p.at = next.end
	return next
}

// Pieces are the chaining values of a resource that several streams hash.
type pieces struct {
	cvs  [][8]uint32
	left atomic.Int64
}

func newPieces(size, step int64) *pieces {
	n := ceil(size, step)
	p := &pieces{cvs: make([][8]uint32, n)}
	p.left.Store(n)
	return p
}

// set keeps the chaining value of piece i and reports whether it was the last that was missing.
func (p *pieces) set(i int, h *blake3) bool {
	p.cvs[i] = guts.ChainingValue(h.node())
	return p.left.Add(-1) == 0
}
