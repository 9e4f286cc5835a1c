// Package hashing turns the files of a model into a [manifest.Manifest].
//
//	m, err := hashing.Hash("finbert")
//
// What counts as a file of the model is section 6.2 of the OpenSSF Model Signing specification v1.0: every
// regular file below the root, but for .git, .gitignore, .gitattributes and .github at the top and the paths
// that the caller ignores. Anything else that is met is an error and is never passed over in silence.
//
// # What a digest stands for
//
// A manifest says what the files held while they were hashed. The tree is listed first and then read; a file
// whose size, modification time or identity differs between its opening and the end of its reading makes the whole
// run fail with [ErrChanged], and so does what was a file or a directory when it was listed and is another thing
// when it is opened. Where sizes must be known before anything is read (with [Configuration.SetProgress], a cache, a
// copy or shards), and where they are known anyway (on other systems than Linux, of an [fs.FS] or a single file, behind
// links, and if a directory does not tell files from others), files are compared with how they were listed, too. A
// writer that keeps all three as they were is not noticed, except that a digest always covers exactly as many bytes as
// the file had. Files that are added meanwhile may be missed.
//
// On Linux, small files of ext4, XFS and Btrfs are looked at only after reading, if their change time is then
// two seconds old, and taken not to have changed in between.
//
// The system sets these times when a write begins. A write that was held up before that, one through a mapping, what
// root does below the file system or to the clock, and exchanging the blocks of files on ext4 and XFS
// (EXT4_IOC_MOVE_EXT, XFS_IOC_SWAPEXT) are changes that they do not show.
//
// Unless symbolic links are allowed, everything below the root is opened through an [os.Root], or on Linux name by
// name without following links, so that nothing outside of the model is read even while somebody is changing it.
package hashing

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/modelsigning/modelsigning/internal/span"
	"github.com/modelsigning/modelsigning/manifest"
)

// Errors of this package that a caller may want to tell apart. They come wrapped in a [*fs.PathError] that
// names the file, or for a name that can't be one, the directory; the text quotes the name then.
var (
	// ErrSymlink says that a symbolic link is not allowed, leads nowhere, or leads back to a directory above it.
	ErrSymlink = errors.New("symbolic link")
	// ErrNotRegular says that a file is neither regular nor a directory: a FIFO, a socket or a device.
	ErrNotRegular = errors.New("not a regular file")
	// ErrName says that a file's name may not stand in a manifest, see [manifest.CheckPath], or that its path is longer
	// than 8 KiB; or that directories are nested more than 1000 deep.
	ErrName = errors.New("name not allowed")
	// ErrEmptyModel says that there is nothing to sign: no file, or under [manifest.Shards] no file with bytes.
	ErrEmptyModel = errors.New("no file to hash")
	// ErrTooMany says that there are more resources, or more files, directories and ignored paths together, than
	// [Configuration.SetMaxResources] allows.
	ErrTooMany = errors.New("too many resources")
	// ErrTooLarge says that files have more bytes together than [Configuration.SetMaxBytes] allows.
	ErrTooLarge = errors.New("too many bytes")
	// ErrChanged says that a file or directory changed while the model was hashed, or since it was planned.
	ErrChanged = errors.New("changed while the model was hashed")
)

// Hash returns the manifest of the model at path model, hashed as [Config] does: SHA-256 of each file.
func Hash(model string) (*manifest.Manifest, error) { return Config().Hash(model) }

// Hash is [Configuration.HashContext] without a context.
func (c Configuration) Hash(model string) (*manifest.Manifest, error) {
	return c.HashContext(context.Background(), model)
}

// HashContext returns the manifest of the model at path model: a directory, or a single file, whose resource
// then has the base name of model as its path. Model itself may be a symbolic link, since the caller named it;
// whether links inside are followed is for [Configuration.SetAllowSymlinks] to say.
//
// Resources are in the order of [manifest.CompareNames], and the manifest's name is the base name of the
// absolute path of model. Once ctx is done, HashContext returns within 100 ms, with an error that wraps ctx.Err, if the
// file system answers: whoever may write to a file can keep it from that for a while. By the time that it returns,
// whatever it started has ended and is closed.
func (c Configuration) HashContext(ctx context.Context, model string) (*manifest.Manifest, error) {
	if c.only != nil {
		return nil, fmt.Errorf("hashing %s: %w", model, errOnly)
	}
	r, err := c.Report(ctx, model)
	if err != nil {
		return nil, err
	}
	c.warnOfPointers(r)
	return r.signable(model)
}

// Signable returns why no manifest can be made that is that of a whole model, as far as the options tell: one that is wrong,
// [Configuration.SetOnly], or a slice. It is the error of the methods that make one. It reads nothing.
func (c Configuration) Signable() error {
	if c.only != nil {
		return errOnly
	}
	_, err := c.settings()
	return err
}

var errOnly = errors.New("SetOnly makes a manifest of some files, which is not that of the model; use Report")

// HashFS returns the manifest of the model that is the whole of fsys, under the given name. What
// [Configuration.HashContext] says holds here too, as far as fsys lets it:
//   - That no file is read through a link, and that opening does not block, is for fsys to see to. Without
//     [fs.ReadLinkFS], links are known by the type bits of their directory entries.
//   - A replaced file is noticed if fsys reports the identity of files as package os does. Changes of size and
//     modification time are noticed always, and so is a file that holds more or less than its size says.
//   - A cycle of links is noticed at once where identities are known, else after 40 links.
//   - Each file is read from its beginning to its end by one goroutine at a time, but for those of a [Snapshot].
func (c Configuration) HashFS(ctx context.Context, fsys fs.FS, name string) (*manifest.Manifest, error) {
	if c.only != nil {
		return nil, fmt.Errorf("hashing %s: %w", name, errOnly)
	}
	r, err := c.ReportFS(ctx, fsys, name)
	if err != nil {
		return nil, err
	}
	c.warnOfPointers(r)
	return r.signable(name)
}

// ReportFS is to HashFS what [Configuration.Report] is to HashContext.
func (c Configuration) ReportFS(ctx context.Context, fsys fs.FS, name string) (*Report, error) {
	s, t, err := c.openFS(fsys, name)
	if err != nil {
		return nil, err
	}
	return s.report(ctx, t, name)
}

func (c Configuration) openFS(fsys fs.FS, name string) (*settings, *tree, error) {
	s, err := c.settings()
	if err == nil && fsys == nil {
		err = errors.New("the file system is nil")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("hashing %s: %w", name, err)
	}
	_, seeks := fsys.(*Snapshot)
	return s, &tree{fsys: fsys, shown: name, follow: s.serialization.AllowSymlinks, seeks: seeks}, nil
}

// A Report is a manifest, and what of the model it does not cover. Its lists are sorted.
type Report struct {
	// Manifest may have no resources; it is never nil.
	Manifest *manifest.Manifest
	// File says that the model is a single file.
	File bool
	// Ignored are the paths that exist and were left out because they are ignored. A directory ends in a slash,
	// and stands for all that is below it.
	Ignored []string
	// Unlisted are the paths that [Configuration.SetOnly] left out.
	Unlisted []string
	// LFSPointers are the files that hold a pointer of Git LFS, which stands for content that was not pulled. They
	// were hashed like any other file. Methods that return the manifest alone warn SetLogger's logger of them.
	LFSPointers []string
	// Unread are the pointers that were not hashed, but followed: see [Configuration.SetFollowLFSPointers].
	Unread []string
	// Empty are the files without bytes under [manifest.Shards], where no resource covers them.
	Empty []string
}

// Report does what [Configuration.HashContext] does, and says what it left out. A model without any resource is
// not an error here.
func (c Configuration) Report(ctx context.Context, model string) (*Report, error) {
	var r *Report
	err := c.inTree(model, func(s *settings, t *tree, name string) (err error) {
		r, err = s.report(ctx, t, name)
		return err
	})
	return r, err
}

// inTree calls do with the open model, and what it is called.
func (c Configuration) inTree(model string, do func(s *settings, t *tree, name string) error) error {
	s, t, name, err := c.openModel(model)
	if err != nil {
		return err
	}
	defer t.Close()
	return do(s, t, name)
}

func (s *settings) report(ctx context.Context, t *tree, name string) (r *Report, err error) {
	w := &walker{settings: s, tree: t, late: s.late()}
	ctx, sp := span.Start(ctx, "modelsigning.hash")
	defer func() { w.end(&sp, r, err) }()
	resources, err := w.list(ctx)
	var e *engine
	if err == nil {
		e, err = w.fill(ctx, resources)
	}
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("hashing %s: %w", t.shown, ctx.Err())
	case err != nil:
		return nil, err
	}
	if r, err = w.report(name, resources); err == nil {
		r.LFSPointers, r.Unread = e.pointers, e.followed
	}
	return r, err
}

// list returns the resources of the tree, without digests.
func (w *walker) list(ctx context.Context) ([]manifest.Resource, error) {
	err := w.walk(ctx)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("hashing %s: %w", w.tree.shown, ctx.Err())
	}
	if err != nil {
		return nil, err
	}
	return w.resources()
}

// report returns what was found, with the resources.
func (w *walker) report(name string, resources []manifest.Resource) (*Report, error) {
	s, t := w.settings, w.tree
	m := &manifest.Manifest{Name: name, Serialization: s.serialization, Resources: resources}
	m.Sort()
	for _, list := range [][]string{w.all.ignored, w.all.unlisted, w.empty} {
		slices.Sort(list)
	}
	// A directory may show a file twice while others in it are renamed.
	for i := 1; i < len(resources); i++ {
		if manifest.CompareNames(resources[i-1], resources[i]) == 0 {
			return nil, t.fail(resources[i].Path, ErrChanged)
		}
	}
	for i := 1; i < len(w.empty); i++ {
		if w.empty[i-1] == w.empty[i] {
			return nil, t.fail(w.empty[i], ErrChanged)
		}
	}
	return &Report{Manifest: m, File: t.file != "", Ignored: w.all.ignored, Unlisted: w.all.unlisted, Empty: w.empty}, nil
}

func (r *Report) signable(model string) (*manifest.Manifest, error) {
	if len(r.Manifest.Resources) == 0 {
		return nil, &fs.PathError{Op: "hash", Path: model, Err: ErrEmptyModel}
	}
	return r.Manifest, nil
}
