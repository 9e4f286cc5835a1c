package verifying

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/internal/inside"
	"github.com/modelsigning/modelsigning/manifest"
)

// A MismatchError says that the signature is good and the model is not what was signed.
type MismatchError struct {
	Model string
	manifest.Diff
	// Pointers are the paths of files that hold a pointer of Git LFS in the place of the signed content: what a clone
	// has when it was not pulled. Sorted.
	Pointers []string
}

// shown is how many names of each kind an error prints. All of them are in the Diff.
const shown = 5

// shownName is how many bytes of a name it prints: nobody could read more.
const shownName = 200

// Error names the first few files of each kind, quoted, since whoever made the model chose their names.
func (e *MismatchError) Error() string {
	changed := make([]string, len(e.Changed))
	for i, c := range e.Changed {
		changed[i] = c.Name
	}
	var parts []string
	for _, p := range []struct {
		what  string
		names []string
	}{{"changed", changed}, {"missing", e.Missing}, {"not signed", e.Extra}} {
		if len(p.names) > 0 {
			parts = append(parts, fmt.Sprintf("%d %s (%s)", len(p.names), p.what, quote(p.names)))
		}
	}
	text := "model is not what was signed: " + strings.Join(parts, ", ")
	if len(e.Pointers) > 0 {
		text += fmt.Sprintf("; %d not pulled, a Git LFS pointer in its place (%s): run git lfs pull", len(e.Pointers), quote(e.Pointers))
	}
	return text
}

func quote(names []string) string {
	var b strings.Builder
	for i, n := range names[:min(len(names), shown)] {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.QuoteToGraphic(clip(n, shownName)))
	}
	if len(names) > shown {
		b.WriteString(", …")
	}
	return b.String()
}

// VerifyManifest verifies that a manifest that the caller has made is what the bundle says was signed, and reads
// no file. The manifest must have been made with the method, algorithm and shard size that were signed, and without
// following links unless that was signed, or else the error is a [*hashing.ConflictError];
// [hashing.Configuration.ForManifest] has all of this from the manifest that [Configuration.Open] returns. Of the paths that it says were left out,
// [Result.Ignored] has those that the signature does not leave out, whether or not they exist. What else was there
// when the manifest was made is the caller's to know, from [hashing.Configuration.ReportFS] or from elsewhere.
func (c Configuration) VerifyManifest(ctx context.Context, got *manifest.Manifest, b *bundle.Bundle) (*Result, error) {
	if got == nil {
		return nil, errors.New("verifying: the manifest is nil")
	}
	ctx, s := c.trace(ctx)
	r, err := c.open(ctx, b)
	if err == nil {
		err = c.compareManifest(r, got)
	}
	s.End(err)
	if err != nil {
		return nil, fmt.Errorf("verifying %s: %w", got.Name, err)
	}
	return r, nil
}

func (c Configuration) compareManifest(r *Result, got *manifest.Manifest) error {
	want, have := r.Manifest.Serialization, got.Serialization
	switch {
	case want.Method != have.Method:
		return &hashing.ConflictError{Field: "method", Signed: want.Method, Configured: have.Method}
	case want.Algorithm != have.Algorithm:
		return &hashing.ConflictError{Field: "hash_type", Signed: want.Algorithm, Configured: have.Algorithm}
	case have.AllowSymlinks && !want.AllowSymlinks:
		return &hashing.ConflictError{Field: "allow_symlinks", Signed: want.AllowSymlinks, Configured: have.AllowSymlinks}
	case want.ShardSize != have.ShardSize:
		return &hashing.ConflictError{Field: "shard_size", Signed: want.ShardSize, Configured: have.ShardSize}
	}
	for _, p := range have.IgnorePaths {
		if !slices.Contains(want.IgnorePaths, p) {
			r.Ignored = append(r.Ignored, p)
		}
	}
	if r.Manifest.SingleFile() {
		got = nameless(got)
	}
	return c.compare(r, &hashing.Report{Manifest: got}, got.Name)
}

// nameless returns the manifest of a single file with the name that the reference gives it. Of other models it returns the
// manifest as it is.
func nameless(m *manifest.Manifest) *manifest.Manifest {
	other := func(r manifest.Resource) bool {
		return r.Path != m.Resources[0].Path || strings.Contains(r.Path, "/")
	}
	if slices.ContainsFunc(m.Resources, other) {
		return m
	}
	named := *m
	named.Resources = slices.Clone(m.Resources)
	for i := range named.Resources {
		named.Resources[i].Path = "."
	}
	return &named
}

// spare is how many resources, files and directories more than were signed are listed to say which. Beyond that
// there is no use in knowing, and a signer of tiny shards would decide how much memory a verifier takes.
const spare = 1 << 20

func limited(h hashing.Configuration, m *manifest.Manifest) hashing.Configuration {
	if h.MaxResources() != 0 {
		return h
	}
	return h.SetMaxResources(len(m.Resources) + spare)
}

// VerifyFS verifies that the model that is the whole of fsys, which errors call name, is what the bundle says was
// signed. It is to [Configuration.VerifyContext] what [hashing.Configuration.HashFS] is to HashContext, which says
// what can be seen of changes in such a source.
func (c Configuration) VerifyFS(ctx context.Context, fsys fs.FS, name string, b *bundle.Bundle) (*Result, error) {
	ctx, s := c.trace(ctx)
	r, err := c.open(ctx, b)
	if err == nil {
		err = c.compareFS(ctx, r, fsys, name)
	}
	s.End(err)
	if err != nil {
		return nil, fmt.Errorf("verifying %s: %w", name, err)
	}
	return r, nil
}

func (c Configuration) compareFS(ctx context.Context, r *Result, fsys fs.FS, name string) error {
	h, err := c.hashingFor(r.Manifest, true)
	if err != nil {
		return err
	}
	report, err := h.ReportFS(ctx, fsys, name)
	if err != nil {
		return err
	}
	return c.compareReport(r, report, name)
}

// compareModel hashes the model as the statement in r says and compares.
func (c Configuration) compareModel(ctx context.Context, r *Result, model, signature string) error {
	h, err := c.hashingModel(r.Manifest, model, signature)
	if err != nil {
		return err
	}
	report, err := h.Report(ctx, model)
	if err != nil {
		return err
	}
	return c.compareReport(r, report, model)
}

// hashingModel returns how to hash the model to compare it with m, without its signature.
func (c Configuration) hashingModel(m *manifest.Manifest, model, signature string) (hashing.Configuration, error) {
	info, err := os.Stat(model)
	if err != nil {
		return hashing.Configuration{}, err
	}
	h, err := c.hashingFor(m, info.IsDir())
	if err != nil || !info.IsDir() {
		return h, err
	}
	own, err := inside.Paths(model, signature)
	return h.AddIgnoredPaths(own...), err
}

// hashingFor returns how to hash a model, a directory or a file, to compare it with m.
func (c Configuration) hashingFor(m *manifest.Manifest, dir bool) (hashing.Configuration, error) {
	h, err := c.hashing.SetOnly().ForManifest(m)
	if err != nil {
		return h, err
	}
	if c.log != nil {
		h = h.SetLogger(c.log)
	}
	checked, _, err := c.split(m)
	switch {
	case !dir:
	case c.only != nil:
		h = h.SetParts(checked...)
	case c.ignoreUnsigned:
		h = h.SetOnly(checked...)
	}
	return limited(h, m), err
}

func (c Configuration) compareReport(r *Result, report *hashing.Report, model string) error {
	r.Ignored, r.Unread = report.Ignored, report.Unread
	if c.only != nil {
		report.Unlisted = nil // of files that were sent: unchecked, or not looked for
	}
	r.Unsigned = append(report.Unlisted, report.Empty...)
	slices.Sort(r.Unsigned)
	if report.File && r.Manifest.SingleFile() {
		report.Manifest = nameless(report.Manifest)
		if report.LFSPointers != nil {
			report.LFSPointers = []string{"."}
		}
	}
	return c.compare(r, report, model)
}

// compare compares what was signed with what was found.
func (c Configuration) compare(r *Result, found *hashing.Report, model string) error {
	want, got := r.Manifest, found.Manifest
	if c.only != nil {
		var err error
		if want, got, err = c.restrict(r, got); err != nil {
			return err
		}
	}
	diff := want.Diff(got)
	if c.ignoreUnsigned {
		diff.Extra = c.unsigned(r, diff.Extra)
	}
	if c.mayLack {
		diff.Missing = c.missing(r, got, found.Empty, diff.Missing)
	}
	if diff.Empty() {
		return nil
	}
	return &MismatchError{model, diff, unpulled(diff, r.Manifest.Serialization.Method, found.LFSPointers)}
}

// unsigned moves to the result those of the extra resources whose files were not signed at all. What remains is
// more of a signed file than was signed.
func (c Configuration) unsigned(r *Result, extra []string) (more []string) {
	if len(extra) == 0 {
		return nil
	}
	more, others := split(extra, r.Manifest.Serialization.Method, paths(r.Manifest))
	r.Unsigned = append(r.Unsigned, others...)
	slices.Sort(r.Unsigned)
	r.Unsigned = slices.Compact(r.Unsigned)
	return more
}

// split returns the names of resources that are of these files, which are sorted, and the paths of the others' files,
// each once, sorted.
func split(names []string, method manifest.Method, files []string) (of, others []string) {
	for _, name := range names {
		res, _ := manifest.ParseName(name, method) // it was a resource's name a moment ago
		if _, found := slices.BinarySearch(files, res.Path); found {
			of = append(of, name)
		} else {
			others = append(others, res.Path)
		}
	}
	slices.Sort(others)
	return of, slices.Compact(others)
}

// paths returns the paths of the signed files, each once, sorted.
func paths(m *manifest.Manifest) []string {
	var ps []string
	for _, r := range m.Resources {
		if len(ps) == 0 || ps[len(ps)-1] != r.Path {
			ps = append(ps, r.Path)
		}
	}
	slices.Sort(ps)
	return slices.Compact(ps)
}
