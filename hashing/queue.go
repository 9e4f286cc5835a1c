package hashing

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"

	"github.com/modelsigning/modelsigning/manifest"
)

// A queue holds the streams of all files that do not fit into one chunk. Only a few are active, which have a
// state and an open file; the others come into being as those end, from the largest file to the smallest.
type queue struct {
	engine *engine
	order  []int // indices of files
	parts  parts // of the first of them
	limit  int   // on active streams

	mu      sync.Mutex
	changed sync.Cond
	todo    int64     // bytes of all large files that are not hashed, as far as streams were given back
	active  int       // streams that are not done, ready or held by a worker
	ready   []*stream // that no worker holds
	held    []held    // by worker
	spare   []state
}

func newQueue(e *engine) *queue {
	// More than are hashed together, so that few are left over, and all end at about the same time.
	q := &queue{engine: e, limit: maxLanes * e.workers, held: make([]held, e.workers)}
	if e.serialization.Algorithm == manifest.BLAKE3 {
		q.limit = e.workers // its parts are all of one size, and best read in order
	}
	q.changed.L = &q.mu
	for i := range e.files {
		if !e.files[i].fits(int64(e.chunk)) {
			q.order = append(q.order, i)
			q.todo += min(e.files[i].length(), math.MaxInt64-q.todo) // two sparse files may be as large as that
		}
	}
	slices.SortStableFunc(q.order, func(a, b int) int { return cmp.Compare(e.files[b].length(), e.files[a].length()) })
	return q
}

// next takes back the streams that a worker held and gives it others, or none if there are none at the moment.
// It says alone if so few are left that a processor is free to read ahead.
func (q *queue) next(worker int, mine []*stream) (streams []*stream, alone bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.takeBack(worker, mine)
	q.fill()
	mine = q.take(worker, mine[:0])
	if len(q.ready) > 0 || q.active == 0 {
		q.changed.Broadcast()
	}
	return mine, len(mine) == 1 && 2*q.active <= q.engine.workers
}

func (q *queue) takeBack(worker int, streams []*stream) {
	q.held[worker] = held{}
	for _, s := range streams {
		q.todo -= s.taken - s.left()
		if s.left() > 0 {
			q.ready = append(q.ready, s)
			continue
		}
		q.active--
		q.spare = append(q.spare, s.hash)
	}
}

// fill makes streams active as long as there are any and the limit allows.
func (q *queue) fill() {
	for q.active < q.limit {
		p, h, ok := q.part()
		if !ok {
			return
		}
		s := &stream{from: h}
		if n := len(q.spare); n > 0 {
			s.hash, q.spare = q.spare[n-1], q.spare[:n-1]
		}
		q.engine.begin(s, p)
		q.ready = append(q.ready, s)
		q.active++
	}
}

// part returns the next part of the first file, or the first of the next.
func (q *queue) part() (part, *handle, bool) {
	if q.parts.done() {
		if len(q.order) == 0 {
			return part{}, nil, false
		}
		q.parts = q.engine.parts(q.order[0])
		q.order = q.order[1:]
	}
	return q.parts.next(), q.parts.handle, true
}

// wait returns when there may be a stream to take, or false when there won't be any.
func (q *queue) wait(ctx context.Context) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.ready) == 0 && q.active > 0 && ctx.Err() == nil {
		q.changed.Wait()
	}
	return len(q.ready) > 0 && ctx.Err() == nil
}

func (q *queue) wake() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.changed.Broadcast()
}

// leave takes back the streams of a worker that has stopped.
func (q *queue) leave(worker int, mine []*stream) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.takeBack(worker, mine)
	q.changed.Broadcast()
}

// close closes the files that were not hashed to their end. All workers have left by then.
func (q *queue) close() {
	for _, s := range q.ready {
		s.from.close()
	}
	if q.parts.handle != nil {
		q.parts.handle.close()
	}
}
