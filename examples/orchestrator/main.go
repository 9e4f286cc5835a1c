// The command orchestrator shows how a training job signs its checkpoints: in the background, so that training goes on,
// and so that after any end of the job, wanted or not, each checkpoint has a whole signature or none.
//
//	orchestrator -dir checkpoints -private-key key.priv
//
// The training is played. All else is meant to be copied: checkpoint.go writes checkpoints that appear whole,
// background.go signs at most -workers of them at a time, with at most -waiting behind them; training waits when there
// are more. Checkpoints that were left unsigned by an earlier run are found at the start and signed first.
//
// An interrupt or SIGTERM ends the training. Signatures that are being made have -grace to be finished, and are given
// up then; what has not been begun is left to the next run. A second signal ends the process at once, which leaves
// nothing half-written under its name, either. One process may work in a directory at a time.
//
// Each signature, and each failure to make one, is a line of JSON on standard output. The exit code is 0 if every
// checkpoint is signed, 1 if some are not, and 2 if it was called the wrong way.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/modelsigning/modelsigning/signing"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// A job is what the flags say.
type job struct {
	store                          store
	key                            string
	steps, every, workers, waiting int
	step, grace                    time.Duration
	size                           int64
}

func run(args []string, stdout, stderr io.Writer) int {
	var j job
	f := flag.NewFlagSet("orchestrator", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar((*string)(&j.store), "dir", "checkpoints", "write checkpoints and signatures into this `directory`")
	f.StringVar(&j.key, "private-key", "", "sign with the private key in this PEM `file`")
	f.IntVar(&j.steps, "steps", 100, "train so many steps; 0 only signs what is there")
	f.IntVar(&j.every, "every", 10, "write a checkpoint after each so many steps")
	f.DurationVar(&j.step, "step", 100*time.Millisecond, "play that a step takes so long")
	f.Int64Var(&j.size, "size", 64<<20, "play that a checkpoint has so many bytes")
	f.IntVar(&j.workers, "workers", 1, "sign so many checkpoints at a time")
	f.IntVar(&j.waiting, "waiting", 4, "let so many checkpoints wait before training waits for them")
	f.DurationVar(&j.grace, "grace", 30*time.Second, "finish signatures for so long after a signal")
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2 // which package flag has said
	}
	if f.NArg() > 0 || j.key == "" || j.steps < 0 || j.every < 1 || j.size < 1 || j.workers < 1 || j.waiting < 0 || j.grace < 0 {
		fmt.Fprintln(stderr, "orchestrator: -private-key is missing, or a number makes no sense; see -help")
		return 2
	}
	if err := j.run(stdout); err != nil {
		fmt.Fprintln(stderr, "orchestrator:", err)
		return 1
	}
	return 0
}

func (j job) run(stdout io.Writer) error {
	config := signing.Config().UseEllipticKeySigner(signing.EllipticKey{PrivateKey: j.key})
	if err := config.Err(); err != nil {
		return err // now, not after the first hours of training
	}
	if err := j.store.clean(); err != nil {
		return err
	}
	stop, heard := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer heard()
	hurry, giveUp := context.WithCancel(context.Background())
	defer giveUp()
	context.AfterFunc(stop, func() {
		heard() // a second signal ends the process, as it would a process that knows nothing of signals
		time.AfterFunc(j.grace, giveUp)
	})
	out := reporter{Encoder: json.NewEncoder(stdout)}
	b := startBackground(stop, hurry, j.workers, j.waiting, func(ctx context.Context, checkpoint string) {
		out.report(checkpoint, j.store.sign(ctx, config, checkpoint))
	})
	err := j.train(stop, b)
	b.close()
	if stop.Err() != nil && errors.Is(err, stop.Err()) {
		err = nil // as asked for
	}
	_, unsigned, scanErr := j.store.scan()
	if len(unsigned) > 0 && err == nil {
		err = fmt.Errorf("%d checkpoints are left without a signature", len(unsigned))
	}
	return errors.Join(err, scanErr)
}

// train plays a training that goes on where an earlier one has ended.
func (j job) train(stop context.Context, b *background) error {
	last, unsigned, err := j.store.scan()
	if err != nil {
		return err
	}
	for _, checkpoint := range unsigned {
		if err := b.add(stop, checkpoint); err != nil {
			return err
		}
	}
	for step := last + 1; step <= last+j.steps; step++ {
		select {
		case <-stop.Done():
			return stop.Err()
		case <-time.After(j.step):
		}
		if step%j.every == 0 {
			checkpoint, err := j.store.write(step, j.size)
			if err == nil {
				err = b.add(stop, checkpoint)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// A reporter writes what becomes of each checkpoint.
type reporter struct {
	sync.Mutex
	*json.Encoder
}

func (r *reporter) report(checkpoint string, err error) {
	line := map[string]string{"checkpoint": checkpoint, "signature": signatureOf(checkpoint)}
	if err != nil {
		line = map[string]string{"checkpoint": checkpoint, "error": err.Error()}
	}
	r.Lock()
	defer r.Unlock()
	_ = r.Encode(line) // that nobody listens is no reason to stop
}
