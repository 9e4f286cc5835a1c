package verifying

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// ErrUnverified says that a file of a [Model] was closed before all that was read of it could be verified.
var ErrUnverified = errors.New("closed before what was read could be verified")

// A Model is a file system that holds the signed files of a model and nothing else, and verifies them while they are
// read. It implements [fs.FS], [fs.ReadDirFS], [fs.StatFS] and [fs.ReadFileFS]. Its files are [io.Seeker] and
// [io.ReaderAt], too. Content is what a reader gets, whatever happens to the model meanwhile: what is not what was
// signed is an error that wraps a [*MismatchError], in a [*fs.PathError] that names the file. A signed file that is
// gone by the time it is opened is such an error, too, and not one of [fs.ErrNotExist], without which programs go on.
//
// Digests are of whole files, or of whole shards where the model was signed so. How one is verified depends on its
// size:
//   - Up to [Configuration.SetMaxBuffer] bytes, 64 MiB unless set, it is read into memory and verified, and only then
//     are bytes of it handed out. Each open file holds one at a time.
//   - Of a larger one, Read hands out bytes as they pass, as package archive/zip does, and returns the error in place
//     of the last of them. So what was read may be used once Read has gone on to the next shard or returned [io.EOF].
//     Seek into the middle has all before it hashed, and Close returns [ErrUnverified] if the end was not reached.
//   - ReadAt verifies all of the file or shard before it returns, in every call for a larger one, and hands out nothing
//     that does not verify. So does [Model.ReadFile], which reads a larger file twice.
//
// Modes say that nothing can be written, and times are zero: neither is signed. Empty files are not shown if the
// model was signed in shards, which do not cover them, and with [Configuration.SetOnly] none but those to be verified.
// A Model and its files may be used by many goroutines; calls of one file wait for each other.
type Model struct {
	// Result is what [Configuration.Verify] would return if the content is right, which nobody knows yet.
	Result *Result

	name   string
	tree   *hashing.Tree
	nodes  map[string]*node
	buffer int64
}

// SetMaxBuffer sets how many bytes of a file or a shard a [Model] reads into memory, to hand out nothing of it before
// it is verified. Zero, the default, is 64 MiB, and less than zero is none at all. The shards that a signer gets
// without saying more have 1 GB.
func (c Configuration) SetMaxBuffer(n int64) Configuration {
	c.maxBuffer = n
	return c
}

const defaultBuffer = 64 << 20

// OpenModel opens a model for reading what was signed. The signature is verified, and that the model has exactly the
// files that were signed, as [Configuration.VerifyContext] does; their content is read, and verified, when the files
// of the [Model] are read. The model must be closed, and does not need ctx then.
func (c Configuration) OpenModel(ctx context.Context, model, signature string) (*Model, error) {
	ctx, s := c.trace(ctx)
	m, err := c.openModel(ctx, model, signature)
	s.End(err)
	if err != nil {
		return nil, fmt.Errorf("verifying %s: %w", model, err)
	}
	return m, nil
}

func (c Configuration) openModel(ctx context.Context, model, signature string) (*Model, error) {
	r, err := c.openFile(ctx, signature)
	if err != nil {
		return nil, err
	}
	h, err := c.hashingModel(r.Manifest, model, signature)
	if err != nil {
		return nil, err
	}
	tree, err := h.OpenTree(ctx, model)
	if err != nil {
		return nil, err
	}
	return c.newModel(r, tree, model)
}

// OpenModelFS is to [Configuration.OpenModel] what [Configuration.VerifyFS] is to VerifyContext. The model does not
// close fsys. Files of fsys that are not [io.ReaderAt] are opened again for each reading that does not go on where the
// last one ended.
func (c Configuration) OpenModelFS(ctx context.Context, fsys fs.FS, name string, b *bundle.Bundle) (*Model, error) {
	ctx, s := c.trace(ctx)
	m, err := c.openModelFS(ctx, fsys, name, b)
	s.End(err)
	if err != nil {
		return nil, fmt.Errorf("verifying %s: %w", name, err)
	}
	return m, nil
}

func (c Configuration) openModelFS(ctx context.Context, fsys fs.FS, name string, b *bundle.Bundle) (*Model, error) {
	r, err := c.open(ctx, b)
	if err != nil {
		return nil, err
	}
	h, err := c.hashingFor(r.Manifest, true)
	if err != nil {
		return nil, err
	}
	tree, err := h.OpenTreeFS(ctx, fsys, name)
	if err != nil {
		return nil, err
	}
	return c.newModel(r, tree, name)
}

func (c Configuration) newModel(r *Result, tree *hashing.Tree, name string) (*Model, error) {
	m := &Model{Result: r, name: name, tree: tree, buffer: c.maxBuffer}
	if m.buffer == 0 {
		m.buffer = defaultBuffer
	}
	m.buffer = min(m.buffer, math.MaxInt>>1)
	signed := slices.Clone(r.Manifest.Resources)
	slices.SortFunc(signed, manifest.CompareNames)
	claim(tree.Report, r.Manifest, signed)
	err := c.compareReport(r, tree.Report, name)
	if err == nil {
		m.nodes, err = c.newNodes(r, tree)
	}
	if err != nil {
		tree.Close()
		return nil, err
	}
	return m, nil
}

// claim gives the resources of a report the digests that were signed, as if they had been found.
func claim(report *hashing.Report, m *manifest.Manifest, signed []manifest.Resource) {
	single := report.File && m.SingleFile()
	for i := range report.Manifest.Resources {
		r := &report.Manifest.Resources[i]
		if single {
			r.Path = "."
		}
		if at, found := slices.BinarySearchFunc(signed, *r, manifest.CompareNames); found {
			r.Digest = signed[at].Digest
		}
	}
}

// Close closes the model's directory. Files that are open stay so.
func (m *Model) Close() error { return m.tree.Close() }
