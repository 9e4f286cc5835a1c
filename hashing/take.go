package hashing

import (
	"cmp"
	"slices"
)

// Held is what one worker holds.
type held struct {
	streams int
	most    int64 // of what was left to do of one of them when it was taken
}

// take gives a worker the streams with most left to do. Those in the smallest company advance fastest, so that
// the smallest share of the streams goes with the most to do.
func (q *queue) take(worker int, mine []*stream) []*stream {
	if len(q.ready) == 0 {
		return mine
	}
	slices.SortFunc(q.ready, func(a, b *stream) int { return cmp.Compare(b.left(), a.left()) })
	width := 1
	if !q.dominated() {
		share := q.engine.kernel.share(len(q.ready), q.idle())
		width = share.narrowest()
	}
	mine = append(mine, q.ready[:width]...)
	q.ready = slices.Delete(q.ready, 0, width)
	for _, s := range mine {
		s.taken = s.left()
	}
	q.held[worker] = held{width, mine[0].taken}
	return mine
}

// idle counts the workers that hold no stream.
func (q *queue) idle() (n int) {
	for _, h := range q.held {
		if h.streams == 0 {
			n++
		}
	}
	return n
}

// dominated reports whether the first stream, even without company, takes no less time than all others together
// on the other processors.
func (q *queue) dominated() bool {
	first := q.ready[0].left()
	rest := q.todo - first
	if rest == 0 {
		return true
	}
	if q.engine.workers == 1 {
		return false
	}
	var second int64
	for _, h := range q.held {
		second = max(second, h.most)
	}
	if len(q.ready) > 1 {
		second = max(second, q.ready[1].left())
	}
	// As if the others were all as long as the second, since the time of that one counts in the end.
	k := q.engine.kernel
	share := k.share(int((rest+second-1)/max(second, 1)), q.engine.workers-1)
	return float64(first)*k.total(&share) >= float64(rest)
}

// minAhead is how far streams may get ahead of others before workers swap them. Waiting for the other worker to
// come costs a fraction of a turn.
const minAhead = 8 << 20

// early reports whether the streams of a worker, which has just given back the given number of them, are so far
// ahead of those of one with more streams, which advance more slowly, that it should wait and swap.
func (q *queue) early(streams int) bool {
	if streams == 0 {
		return false
	}
	var first int64
	for _, s := range q.ready {
		first = max(first, s.left())
	}
	for _, h := range q.held {
		if h.streams > streams && h.most-first > max(minAhead, h.most/8) {
			return true
		}
	}
	return false
}
