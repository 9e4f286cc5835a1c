package hashing

import "context"

// ringChunks is how far reading may be ahead of hashing.
const ringChunks = 16

// ahead hashes a stream to its end while another goroutine reads on. It is for the last files of a model, when
// there are more processors than streams.
func (w *worker) ahead(ctx context.Context, s *stream) {
	ctx, cancel := context.WithCancel(ctx)
	free := make(chan []byte, ringChunks)
	for range ringChunks {
		free <- make([]byte, w.chunk)
	}
	full := make(chan []byte, ringChunks) // has room for all, so that the reader never waits to send
	var failed error                      // to be looked at after full is closed
	go func(pos int64) {
		defer close(full)
		failed = w.readAhead(ctx, s, pos, free, full)
	}(s.pos)
	defer func() {
		cancel()
		for range full { // until the reader has stopped, and does not use the file any more
		}
	}()
	for buf := range full {
		s.data = buf
		if ctx.Err() != nil || w.advance([]*stream{s}) != nil {
			return
		}
		free <- buf[:cap(buf)]
	}
	if failed != nil {
		w.fail(s.file, failed)
	}
}

func (w *worker) readAhead(ctx context.Context, s *stream, pos int64, free <-chan []byte, full chan<- []byte) error {
	for pos < s.end {
		var buf []byte
		select {
		case buf = <-free:
		case <-ctx.Done():
			return nil
		}
		buf = buf[:w.step(s, pos, int64(len(buf)))]
		if err := s.from.read(w.engine, buf, pos); err != nil {
			return err
		}
		pos += int64(len(buf))
		full <- buf
	}
	return nil
}
