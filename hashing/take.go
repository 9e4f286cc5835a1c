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
// the worker that takes the fewest gets those with the most to do.
func (q *queue) take(worker int, mine []*stream) []*stream {
	if len(q.ready) == 0 {
		return mine
	}
	slices.SortFunc(q.ready, func(a, b *stream) int { return cmp.Compare(b.left(), a.left()) })
	from, to := 0, 1
	if !q.dominated() {
		share := q.engine.kernel.share(len(q.ready), q.idle())
		width := share.narrowest()
		from = q.reserved(width)
		to = min(from+width, len(q.ready))
	}
	mine = append(mine, q.ready[from:to]...)
	q.ready = slices.Delete(q.ready, from, to)
	for _, s := range mine {
		s.taken = s.left()
	}
	q.held[worker] = held{len(mine), mine[0].taken}
	return mine
}

// minAhead is the least lead over others for which streams are exchanged, which makes one turn slower.
const minAhead = 8 << 20

// reserved returns how many of the first streams a worker that takes so many together should leave for those that
// take fewer, and have got far ahead with them.
func (q *queue) reserved(width int) (n int) {
	first := q.ready[0].left()
	for _, h := range q.held {
		if h.streams < width && first-h.most > max(minAhead, first/8) {
			n += h.streams
		}
	}
	return min(n, width-1)
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
	share := k.share(int(ceil(rest, max(second, 1))), q.engine.workers-1)
	return float64(first)*k.total(&share) >= float64(rest)
}
