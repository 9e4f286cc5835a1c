package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// interruptible returns a context that ends with the signals that ask a program to end. A second one ends the program
// at once.
func interruptible() (ctx context.Context, stop context.CancelFunc) {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup, which would not work any more
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop = signal.NotifyContext(context.Background(), signals...)
	context.AfterFunc(ctx, stop) // so that a second signal ends what does not heed the first
	return ctx, stop
}

// An interruptedError is context.Canceled in the words of those who have sent the signal.
type interruptedError struct {
	error
	rest string // of what it says
}

func (e interruptedError) Unwrap() error { return e.error }
func (e interruptedError) Error() string { return "interrupted" + e.rest }

// interrupted puts an error that a signal was the cause of in those words, if it is not yet.
func interrupted(err error) error {
	if errors.Is(err, context.Canceled) && !as[interruptedError](err) {
		return interruptedError{err, ""}
	}
	return err
}
