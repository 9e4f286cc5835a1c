package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/atomicfile"
	"github.com/modelsigning/modelsigning/internal/inside"
	"github.com/spf13/cobra"
)

// An outFile is where a plan, a part or a manifest is to be written, whole or not at all.
type outFile struct {
	name string
	kind string // what it is, and how files of this kind begin
}

const (
	planFile     = `{"format":"modelsigning/plan/`
	partFile     = `{"format":"modelsigning/part/`
	manifestFile = `{"_type":"https://in-toto.io/Statement/`
)

func (o *outFile) add(c *cobra.Command, what string) {
	c.Flags().StringVarP(&o.name, "out", "o", "", "write "+what+" to this `FILE`, whole or not at all")
}

// check sees that the file may be written: that it replaces nothing but a file of its kind, and that it would not be
// part of the model. Ignored are the paths that the model is hashed without.
func (o *outFile) check(model string, ignored []string) error {
	if o.name == "" {
		return usageError{errors.New("--out is missing")}
	}
	target, err := atomicfile.Find(o.name)
	if err != nil {
		return usageError{err}
	}
	if err := o.replaces(target.Old()); err != nil {
		return err
	}
	if model == "" {
		return o.makeDir()
	}
	if info, err := os.Stat(model); err == nil && target.Old() != nil && os.SameFile(info, target.Old()) {
		return usageError{fmt.Errorf("--out %s is the model", o.name)}
	}
	if _, err := os.Stat(filepath.Dir(o.name)); errors.Is(err, fs.ErrNotExist) {
		if err := o.outside(model, filepath.Dir(o.name), ignored); err != nil {
			return err
		}
		if err := o.makeDir(); err != nil {
			return err
		}
	}
	return o.outside(model, o.name, ignored)
}

// outside sees that a path is not that of something in the model, but for what is ignored.
func (o *outFile) outside(model, path string, ignored []string) error {
	paths, err := inside.Paths(model, path)
	if err != nil {
		return err
	}
	for _, p := range paths {
		if !below(p, ignored) {
			return usageError{fmt.Errorf("--out %s lies in the model, which it would change; choose another place, or ignore it", o.name)}
		}
	}
	return nil
}

// makeDir makes the directory of the file if that alone is missing: jobs that share it have nobody else to do that.
func (o *outFile) makeDir() error {
	if err := os.Mkdir(filepath.Dir(o.name), 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// replaces sees that the file that is there, if any, is empty or of the kind to be written.
func (o *outFile) replaces(old fs.FileInfo) error {
	if old == nil || old.Size() == 0 {
		return nil
	}
	f, err := os.Open(o.name)
	if err != nil {
		return err
	}
	defer f.Close()
	begin := make([]byte, len(o.kind))
	if _, err := io.ReadFull(f, begin); err != nil || string(begin) != o.kind {
		return usageError{fmt.Errorf("--out %s exists, and is something else than what would replace it", o.name)}
	}
	return nil
}

// below reports whether p is one of the paths or lies below one.
func below(p string, paths []string) bool {
	for ; p != "."; p = path.Dir(p) {
		if slices.Contains(paths, p) {
			return true
		}
	}
	return false
}

// write writes the file. Hashing takes long, so whatever has come there meanwhile is looked at again: another job that
// was given the same slice may write the same.
func (o *outFile) write(what io.WriterTo) (err error) {
	var target atomicfile.Target
	for range 10 {
		if target, err = atomicfile.Find(o.name); err != nil {
			return err
		}
		if err := o.replaces(target.Old()); err != nil {
			return err
		}
		err = target.Write(func(w io.Writer) error {
			_, err := what.WriteTo(w)
			return err
		})
		if !errors.Is(err, atomicfile.ErrChanged) {
			return err
		}
	}
	return err
}

// bytesTo is an io.WriterTo.
type bytesTo []byte

func (b bytesTo) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(b)
	return int64(n), err
}

// readFile reads a plan, a part or a manifest, which is never larger than a signature.
func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("is not a regular file")}
	case info.Size() > bundle.MaxSize:
		return nil, &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("is larger than %d bytes", bundle.MaxSize)}
	}
	return os.ReadFile(name)
}
