package hashing

import (
	"bytes"
	"container/heap"
	"fmt"

	"github.com/modelsigning/modelsigning/manifest"
)

// A shard is a resource of a file that is written in any order, once something of it is there.
type shard struct {
	index, start, end int64
	pos               int64 // what is before it is hashed, or is being hashed
	busy              bool
	hash              state // nil until the first byte is there
	cost              int64 // of it and its hash, as the recorder counts them
	kept              segments
}

// A segment is bytes that wait for those before them.
type segment struct {
	off  int64
	data []byte
}

// What a segment takes besides its bytes, and a shard that exists because of one.
const (
	segmentCost = 64
	shardCost   = 192
)

func (s segment) cost() int64 { return int64(len(s.data)) + segmentCost }

// Segments are a heap. Whether two of them overlap shows when the first is hashed: nothing needs to be searched,
// however many there are.
type segments []segment

func (s segments) Len() int           { return len(s) }
func (s segments) Less(i, j int) bool { return s[i].off < s[j].off }
func (s segments) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *segments) Push(x any)        { *s = append(*s, x.(segment)) }
func (s *segments) Pop() any {
	last := len(*s) - 1
	x := (*s)[last]
	(*s)[last] = segment{}
	*s = (*s)[:last]
	return x
}

// A piece is as much of a write as belongs to one shard.
type piece struct {
	index int64
	segment
	price int64  // what has to be kept for it
	shard *shard // once it is claimed, if it is to be hashed now
}

// first returns the first piece of p, and last the last one.
func (w *RangeWriter) first(p []byte, off int64) *piece {
	i := off / w.span
	return &piece{index: i, segment: segment{off, p[:min(int64(len(p)), w.border(i)-off)]}}
}

func (w *RangeWriter) last(p []byte, off int64) *piece {
	i := (off + int64(len(p)) - 1) / w.span
	start := max(off, i*w.span)
	return &piece{index: i, segment: segment{start, p[start-off:]}}
}

// border returns where a shard ends.
func (w *RangeWriter) border(i int64) int64 { return i*w.span + min(w.span, w.size-i*w.span) }

// claim takes two pieces, which may be one: each is kept, or its shard is busy until advance has hashed it. If there
// is no room, but the first shard is busy, the piece may be the next one soon.
func (w *RangeWriter) claim(p, q *piece) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.err == nil {
		price, err := w.appraise(p)
		if err == nil && p.index != q.index {
			var more int64
			more, err = w.appraise(q)
			price += more
		}
		if err != nil {
			w.stop(failed(w.path, err))
			break
		}
		if w.r.keep(price) {
			w.held += price
			w.take(p)
			if p.index != q.index {
				w.take(q)
			}
			return nil
		}
		if s := w.open[p.index]; s == nil || !s.busy {
			return failed(w.path, fmt.Errorf("offset %d is %w", p.off, ErrOutOfOrder))
		}
		w.changed.Wait()
	}
	return w.err
}

// appraise returns how many bytes have to be kept for a piece.
func (w *RangeWriter) appraise(p *piece) (int64, error) {
	s := w.open[p.index]
	pos := p.index * w.span
	if s != nil {
		pos = s.pos
	}
	p.price = 0
	switch {
	case w.done[p.index/64]>>(p.index%64)&1 != 0, p.off < pos:
		return 0, fmt.Errorf("%w: the bytes from %d on are there already", ErrRange, p.off)
	case p.off > pos, s != nil && s.busy:
		if p.price = p.cost(); s == nil {
			p.price += shardCost
		}
	case w.hashing > 0 && (s == nil || s.hash == nil) && pos+int64(len(p.data)) < w.border(p.index):
		p.price = stateSize(w.r.serialization.Algorithm)
	}
	return p.price, nil
}

// take does with a piece what was paid for.
func (w *RangeWriter) take(p *piece) {
	s := w.open[p.index]
	if s == nil {
		s = &shard{index: p.index, start: p.index * w.span, end: w.border(p.index), pos: p.index * w.span}
		w.open[p.index] = s
		if p.off > s.pos {
			s.cost = shardCost
		}
	}
	if s.busy || p.off > s.pos {
		heap.Push(&s.kept, segment{p.off, bytes.Clone(p.data)})
		return
	}
	if s.hash == nil {
		s.hash = w.r.borrow()
		s.cost += p.price
		w.hashing++
	}
	s.busy, s.pos, p.shard = true, p.off+int64(len(p.data)), s
}

// advance hashes a claimed piece, and what was kept and follows it.
func (w *RangeWriter) advance(p *piece) error {
	s := p.shard
	if s == nil {
		return nil
	}
	for data := p.data; ; {
		if err := w.r.alive(); err != nil {
			return w.fail(err)
		}
		now := data[:min(len(data), recordStep)]
		s.hash.Write(now)
		w.r.progress.add(w.path, len(now))
		if data = data[len(now):]; len(data) > 0 {
			continue
		}
		var whole bool
		var err error
		switch data, whole, err = w.next(s); {
		case whole:
			return w.finish(s)
		case data == nil:
			return err
		}
	}
}

// next returns the bytes that follow, if they are there. If not, the shard is no longer busy, and whole says that it is
// complete and this goroutine's to finish.
func (w *RangeWriter) next(s *shard) (data []byte, whole bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return nil, false, w.err
	}
	defer w.changed.Broadcast()
	if len(s.kept) > 0 && s.kept[0].off <= s.pos {
		kept := heap.Pop(&s.kept).(segment)
		if kept.off < s.pos {
			w.stop(failed(w.path, fmt.Errorf("%w: the bytes from %d on were written twice", ErrRange, kept.off)))
			return nil, false, w.err
		}
		w.release(kept.cost())
		s.pos += int64(len(kept.data))
		return kept.data, false, nil
	}
	s.busy = false
	if s.pos < s.end {
		return nil, false, nil
	}
	delete(w.open, s.index)
	w.done[s.index/64] |= 1 << (s.index % 64)
	w.hashing--
	w.release(s.cost)
	return nil, true, nil
}

func (w *RangeWriter) release(n int64) {
	w.held -= n
	w.r.kept.Add(-n)
}

// finish makes the resource of a shard that is complete.
func (w *RangeWriter) finish(s *shard) error {
	done := manifest.Resource{Path: w.path, Start: s.start, End: s.end, Digest: w.r.sum(s.hash)}
	if w.r.serialization.Method == manifest.Files {
		done.End = 0
	}
	err := w.r.checked(done)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.add(done, err)
	return w.err
}

// add takes a resource, unless something is wrong with it.
func (w *RangeWriter) add(done manifest.Resource, err error) {
	switch {
	case w.err != nil:
	case err != nil:
		w.stop(err)
	default:
		w.resources = append(w.resources, done)
		w.left--
	}
}

// finishEmpty makes the resource of a file without bytes, if it has any.
func (w *RangeWriter) finishEmpty() {
	w.r.progress.add(w.path, 0)
	if w.left > 0 {
		done := manifest.Resource{Path: w.path, Digest: w.r.sum(w.r.borrow())}
		w.add(done, w.r.checked(done))
	}
}
