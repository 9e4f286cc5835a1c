package signing_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/signing"
)

// A counter is a signer that counts what it signs.
type counter struct {
	signing.Signer
	signed *int
}

func (c counter) Sign(ctx context.Context, statement []byte) (*bundle.Bundle, error) {
	*c.signed++
	return bundle.New(statement, []byte("signature"), nil), nil
}

// What is signed is the statement of a directory with the same files.
func TestRecord(t *testing.T) {
	model := newModel(t)
	var signed int
	c := signing.Config().UseSigner(counter{signed: &signed})
	r, err := c.Record(t.Context(), "model")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	copied := t.TempDir()
	err = fs.WalkDir(os.DirFS(model), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return errors.Join(err, os.MkdirAll(filepath.Join(copied, path), 0o777))
		}
		data, err := os.ReadFile(filepath.Join(model, path))
		if err != nil {
			return err
		}
		f, err := os.Create(filepath.Join(copied, path))
		if err != nil {
			return err
		}
		defer f.Close()
		if path == "weights.bin" {
			w, err := r.CreateAt(path, int64(len(data)))
			if err != nil {
				return err
			}
			_, err1 := w.WriteAt(data[5:], 5)
			_, err2 := w.WriteAt(data[:5], 0)
			_, err3 := f.Write(data)
			return errors.Join(err1, err2, err3, w.Close())
		}
		w, err := r.Create(path)
		if err != nil {
			return err
		}
		_, err = io.MultiWriter(f, w).Write(data)
		return errors.Join(err, w.Close())
	})
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.Sign()
	if err != nil {
		t.Fatal(err)
	}
	m, err := hashing.Hash(copied)
	if err != nil {
		t.Fatal(err)
	}
	m.Name = "model"
	want, err := bundle.MarshalStatement(m)
	if err != nil || !bytes.Equal(b.UnverifiedStatement(), want) {
		t.Errorf("signed %s, want %s, %v", b.UnverifiedStatement(), want, err)
	}
	if _, err := r.Sign(); !errors.Is(err, fs.ErrClosed) || signed != 1 {
		t.Errorf("signed again: got %v, %d signatures", err, signed)
	}
}

func TestRecordSignsNothing(t *testing.T) {
	var signed int
	c := signing.Config().UseSigner(counter{signed: &signed})
	for name, try := range map[string]struct {
		files func(r *signing.Recorder) error
		want  error
	}{
		"no file":    {func(*signing.Recorder) error { return nil }, hashing.ErrEmptyModel},
		"still open": {func(r *signing.Recorder) error { _, err := r.Create("a"); return err }, hashing.ErrIncomplete},
		"aborted": {func(r *signing.Recorder) error {
			w, err := r.Create("a")
			w.Abort()
			return err
		}, hashing.ErrIncomplete},
		"closed": {func(r *signing.Recorder) error { return r.Close() }, fs.ErrClosed},
	} {
		r, err := c.Record(t.Context(), "model")
		if err == nil {
			err = try.files(r)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Sign(); !errors.Is(err, try.want) {
			t.Errorf("%s: got %v, want %v", name, err, try.want)
		}
	}
	if signed != 0 {
		t.Errorf("made %d signatures", signed)
	}
	if _, err := signing.Config().Record(t.Context(), "model"); !errors.Is(err, signing.ErrNoSigner) {
		t.Errorf("no signer: got %v", err)
	}
	for name, h := range map[string]hashing.Configuration{
		"SetOnly": hashing.Config().SetOnly("a"),
		"ignored": hashing.Config().SetIgnoredPaths("../logs"),
	} {
		c := c.SetHashingConfig(h)
		if _, err := c.Record(t.Context(), "model"); err == nil {
			t.Errorf("%s: is recorded, and can't be signed", name)
		}
		if c.Err() == nil {
			t.Errorf("%s: Err does not tell", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := c.Record(ctx, "model")
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := r.Create("a"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
	if _, err := r.Sign(); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

// Close ends what is still open.
func TestRecordClose(t *testing.T) {
	c := config(t).SetHashingConfig(hashing.Config().AddIgnoredPaths("../x"))
	if _, err := c.Record(t.Context(), "model"); err == nil {
		t.Error("a bad hashing configuration is taken")
	}
	for _, name := range []string{"", "a\xff"} {
		if _, err := config(t).Record(t.Context(), name); err == nil {
			t.Errorf("the name %q, which no signature can have, is taken until the checkpoint is written", name)
		}
	}
	r, err := config(t).Record(t.Context(), "model")
	if err != nil {
		t.Fatal(err)
	}
	w, err := r.Create("a")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := w.Write([]byte("x")); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("written after Close: got %v", err)
	}
}
