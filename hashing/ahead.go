package hashing

import "context"

// ahead hashes a stream to its end while another goroutine loads what comes next. It is for the last files of a
// model, when there are more processors than streams.
func (w *worker) ahead(ctx context.Context, s *stream) {
	one := []*stream{s}
	mapped, err := w.open(one)
	if err != nil {
		return
	}
	w.space.drop()
	ctx, cancel := context.WithCancel(ctx)
	r := newReader(w.engine, s, mapped)
	go func(pos int64) {
		defer close(r.full)
		r.err = r.run(ctx, pos)
	}(s.pos)
	defer func() {
		cancel()
		for range r.full { // until the reader has stopped, and does not use the file any more
		}
		for _, v := range r.windows {
			v.space.drop()
		}
	}()
	defer w.forget(one)
	defer w.survive(one) // while the windows are still there
	var done []*window
	for l := range r.full {
		s.data = l.data
		if ctx.Err() != nil || w.advance(one) != nil {
			return
		}
		// Waking the reader costs as much as hashing a few KiB, so it gets several at once.
		if done = append(done, l.window); len(done) == ringWindows/2 {
			for _, v := range done {
				r.free <- v
			}
			done = done[:0]
		}
	}
	if r.err != nil {
		w.fail(s.file, r.err)
	}
}

// A reader loads what comes next of a stream into a ring of windows.
type reader struct {
	engine  *engine
	stream  *stream // but for its position, which is the hash's
	size    int64   // of a window
	windows []window
	free    chan *window
	full    chan loaded // has room for all, so that the reader never waits to send
	err     error       // to be looked at after full is closed
}

type loaded struct {
	window *window
	data   []byte
}

const (
	// ringWindows is how many windows reading may be ahead of hashing.
	ringWindows = 8
	// minRead is the least size of one. All of them last for milliseconds, so that a reader that has to wait for a
	// processor delays nothing.
	minRead = 512 << 10
)

func newReader(e *engine, s *stream, mapped bool) *reader {
	const n = ringWindows
	size := max(e.reach(1, mapped), minRead)
	r := &reader{engine: e, stream: s, size: size, windows: make([]window, n)}
	r.free, r.full = make(chan *window, n), make(chan loaded, n)
	for i := range r.windows {
		if mapped {
			r.windows[i].space = newSpace(1, size)
		}
		r.free <- &r.windows[i]
	}
	return r
}

func (r *reader) run(ctx context.Context, pos int64) error {
	for pos < r.stream.end {
		select {
		case v := <-r.free:
			n := r.engine.step(r.stream, pos, r.size)
			v.space.need(1, n)
			data, err := v.load(r.engine, r.stream.from, pos, n)
			if err == errUnmapped {
				v.space.drop()
				v.space = nil
				data, err = v.load(r.engine, r.stream.from, pos, n)
			}
			if err != nil {
				return err
			}
			pos += int64(len(data))
			r.full <- loaded{v, data}
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}
