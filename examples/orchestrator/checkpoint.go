package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/modelsigning/modelsigning/signing"
)

// A store is a directory with checkpoints, each a directory step-000010 beside its signature step-000010.sig.
type store string

// partial is where everything is written that is not whole yet. It gets its name when it is, in one step.
const partial = ".partial"

func nameOf(step int) string { return fmt.Sprintf("step-%06d", step) }

func signatureOf(checkpoint string) string { return checkpoint + ".sig" }

// clean makes the store, and removes what a run that was killed has not finished.
func (s store) clean() error {
	dir := filepath.Join(string(s), partial)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.MkdirAll(dir, 0o777)
}

// write plays that the state of a training is written, and returns the checkpoint's path.
func (s store) write(step int, size int64) (string, error) {
	name := nameOf(step)
	dir := filepath.Join(string(s), partial, name)
	if err := os.Mkdir(dir, 0o777); err != nil {
		return "", err
	}
	random := rand.NewChaCha8([32]byte{byte(step), byte(step >> 8), byte(step >> 16)})
	err := writeFile(filepath.Join(dir, "weights.bin"), io.LimitReader(random, size))
	if err = errors.Join(err, syncDir(dir)); err != nil {
		return "", err
	}
	return s.publish(name)
}

func writeFile(name string, r io.Reader) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Sync(), f.Close())
}

// publish gives what is whole its name.
func (s store) publish(name string) (string, error) {
	to := filepath.Join(string(s), name)
	if err := os.Rename(filepath.Join(string(s), partial, name), to); err != nil {
		return "", err
	}
	return to, syncDir(string(s))
}

// syncDir makes names in a directory last. Not every system can do that, and then the names are there nevertheless.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}

// sign signs a checkpoint. The library writes a file that is whole or not there; that it is written elsewhere first
// keeps what a kill may leave behind out of sight.
func (s store) sign(ctx context.Context, config signing.Configuration, checkpoint string) error {
	name := signatureOf(filepath.Base(checkpoint))
	if err := config.SignContext(ctx, checkpoint, filepath.Join(string(s), partial, name)); err != nil {
		return err
	}
	_, err := s.publish(name)
	return err
}

// scan returns the step of the last checkpoint, and the paths of those that have no signature, from the first to the last.
func (s store) scan() (last int, unsigned []string, err error) {
	entries, err := os.ReadDir(string(s))
	for _, e := range entries {
		var step int
		if _, err := fmt.Sscanf(e.Name(), "step-%d", &step); err != nil || !e.IsDir() || e.Name() != nameOf(step) {
			continue
		}
		last = max(last, step)
		path := filepath.Join(string(s), e.Name())
		if _, err := os.Lstat(signatureOf(path)); errors.Is(err, fs.ErrNotExist) {
			unsigned = append(unsigned, path)
		} else if err != nil {
			return 0, nil, err
		}
	}
	return last, unsigned, err
}
