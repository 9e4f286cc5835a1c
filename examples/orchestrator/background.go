package main

import (
	"context"
	"sync"
)

// A background signs checkpoints while something else goes on.
type background struct {
	queue   chan string
	workers sync.WaitGroup
}

// startBackground starts so many workers, which call sign with each checkpoint that is added. When stop is done they
// begin nothing new. What they have begun they may finish until hurry is done, which is the context of sign.
func startBackground(stop, hurry context.Context, workers, waiting int, sign func(ctx context.Context, checkpoint string)) *background {
	b := &background{queue: make(chan string, waiting)}
	for range workers {
		b.workers.Go(func() {
			for checkpoint := range b.queue {
				if stop.Err() == nil {
					sign(hurry, checkpoint)
				}
			}
		})
	}
	return b
}

// add has a checkpoint signed. It waits while too many others are waiting, so that training does not outrun its
// signatures for ever. The error is that of ctx.
func (b *background) add(ctx context.Context, checkpoint string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case b.queue <- checkpoint:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close waits until all that was added is signed or given up. Nothing may be added after that.
func (b *background) close() {
	close(b.queue)
	b.workers.Wait()
}
