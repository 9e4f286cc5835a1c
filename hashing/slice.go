package hashing

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/modelsigning/modelsigning/manifest"
)

// A slice is what of a model one of several machines hashes.
type slice struct {
	index, of int // of is zero for the whole model
	plan      *manifest.Plan
}

var (
	errSlice   = errors.New("Slice makes a part of a manifest, which is not that of the model; use Part")
	errCopy    = errors.New("SetCopy copies whole files, which a slice need not have")
	errNoSlice = errors.New("Part needs to know which slice; use Slice")
)

// Slice restricts hashing to slice i of n, from 0 to n-1 as array jobs count, n being at most [manifest.MaxSlices]. All
// machines that hash a slice of a model must be given the same n. [Configuration.Part] then hashes the slice; methods
// that make the manifest of a model refuse to. Which file or which shards are in which slice follows from the model
// alone, see [manifest.Plan.Slice]. An n of zero lifts the restriction.
func (c Configuration) Slice(i, n int) Configuration {
	c.slice.index, c.slice.of = i, n
	return c
}

// SetPlan has [Configuration.Part] take the plan's word for what files the model has, so that the machines that hash a
// slice need not list the model. The plan also says how to hash, as a signature does in [Configuration.For]; parameters
// of c that contradict it, and another number of slices, are a [*ConflictError]. The plan must not be changed
// afterwards. Nil, the default, has every machine list the model.
//
// The paths of a plan are trusted no more than others: what is read lies in the model, no link is followed that is not
// allowed, and each file must be what the plan says. But a file that the plan leaves out is left out.
func (c Configuration) SetPlan(p *manifest.Plan) Configuration {
	c.slice.plan = p
	return c
}

// Plan lists the model, without reading its files, and returns what n machines can share it out by. Errors are those of
// [Configuration.HashContext].
func (c Configuration) Plan(ctx context.Context, model string, n int) (*manifest.Plan, error) {
	if c.only != nil {
		return nil, fmt.Errorf("planning %s: %w", model, errOnly)
	}
	var plan *manifest.Plan
	err := c.inTree(model, func(s *settings, t *tree, name string) (err error) {
		if s.follow {
			return fmt.Errorf("planning %s: %w", model, errUnread)
		}
		plan, _, err = s.plan(ctx, t, name, n)
		return err
	})
	return plan, err
}

// Part hashes the slice of the model that [Configuration.Slice] names. [manifest.Merge] makes the manifest of the parts
// of all slices. If there is a plan, see SetPlan, a file that is not what it was when the plan was made is an error that
// wraps [ErrChanged]; if not, that is for Merge to notice. Else errors are those of [Configuration.HashContext].
//
// Modification times are compared to the nanosecond, so the machines must see the same: a file system that shows
// different times to different machines can't be sliced.
func (c Configuration) Part(ctx context.Context, model string) (*manifest.Partial, error) {
	which := c.slice
	c, err := c.planned()
	if err != nil {
		return nil, fmt.Errorf("hashing %s: %w", model, err)
	}
	var part *manifest.Partial
	var found Report
	err = c.inTree(model, func(s *settings, t *tree, name string) (err error) {
		part, found.LFSPointers, err = s.part(ctx, t, name, which)
		return err
	})
	c.warnOfPointers(&found)
	return part, err
}

// planned checks which slice is meant and returns the configuration to hash it with, as the plan asks for.
func (c Configuration) planned() (Configuration, error) {
	which := c.slice
	c.slice = slice{}
	switch {
	case c.only != nil:
		return c, errOnly
	case c.copy != nil:
		return c, errCopy
	case which.of == 0:
		return c, errNoSlice
	case which.of < 0 || which.of > manifest.MaxSlices:
		return c, fmt.Errorf("%d slices are not between 1 and %d", which.of, manifest.MaxSlices)
	case which.index < 0 || which.index >= which.of:
		return c, fmt.Errorf("slice %d is not between 0 and %d", which.index, which.of-1)
	case which.plan == nil:
		return c, nil
	}
	if err := which.plan.Validate(); err != nil {
		return c, err
	}
	if n := which.plan.Slices; n != which.of {
		return c, &ConflictError{"slices", n, which.of, asPlanned}
	}
	return c.forPlan(which.plan.Serialization, asPlanned)
}

// asPlanned is what a ConflictError says of a plan.
const asPlanned = "planned"

// forPlan is For, but that paths to ignore may not be added: what is ignored is part of the inventory. By is as in
// ConflictError.
func (c Configuration) forPlan(s manifest.Serialization, by string) (Configuration, error) {
	own := c.ignored
	c.ignored = nil
	for _, p := range own {
		if !slices.Contains(s.IgnorePaths, strings.TrimSuffix(strings.TrimPrefix(p, "./"), "/")) {
			return c, &ConflictError{"ignore_paths", s.IgnorePaths, own, by}
		}
	}
	if c.git != unset && (c.git == on) != slices.Contains(s.IgnorePaths, ".git") {
		var git []string
		if c.git == on {
			git = gitPaths
		}
		return c, &ConflictError{"ignore_paths", s.IgnorePaths, git, by}
	}
	c.git = off
	c, err := c.For(s)
	var conflict *ConflictError
	if errors.As(err, &conflict) {
		conflict.by = by
	}
	return c, err
}

// plan lists the model, and returns its files in the order of the plan as well.
func (s *settings) plan(ctx context.Context, t *tree, name string, n int) (*manifest.Plan, []*file, error) {
	w := &walker{settings: s, tree: t}
	err := w.walk(ctx)
	switch {
	case ctx.Err() != nil:
		return nil, nil, fmt.Errorf("hashing %s: %w", t.shown, ctx.Err())
	case err != nil:
		return nil, nil, err
	}
	files := w.files
	slices.SortFunc(files, func(a, b *file) int { return strings.Compare(a.path, b.path) })
	resources, err := w.number()
	switch {
	case err != nil:
		return nil, nil, err
	case resources == 0:
		return nil, nil, &fs.PathError{Op: "hash", Path: t.shown, Err: ErrEmptyModel}
	}
	p := &manifest.Plan{Name: name, Serialization: s.serialization, Slices: n, Files: make([]manifest.Entry, len(files))}
	for i, f := range files {
		if i > 0 && files[i-1].path == f.path {
			return nil, nil, t.fail(f.path, ErrChanged) // as in report
		}
		p.Files[i] = manifest.Entry{Path: f.path, Size: f.size, ModTime: f.mtime}
	}
	if err := p.Validate(); err != nil {
		return nil, nil, fmt.Errorf("planning %s: %w", t.shown, err)
	}
	return p, files, nil
}

// part hashes a slice. It returns the files that hold a pointer of Git LFS as well.
func (s *settings) part(ctx context.Context, t *tree, name string, which slice) (*manifest.Partial, []string, error) {
	plan := which.plan
	var listed []*file
	var err error
	if plan == nil {
		if plan, listed, err = s.plan(ctx, t, name, which.of); err != nil {
			return nil, nil, err
		}
	}
	ranges := plan.Slice(which.index)
	resources, e, err := s.hashRanges(ctx, t, plan, listed, ranges)
	if err != nil {
		return nil, nil, err
	}
	return &manifest.Partial{Name: plan.Name, Serialization: plan.Serialization, Slice: which.index, Slices: which.of,
		Inventory: plan.Inventory(), Segments: segmentsOf(plan, ranges, resources)}, e.pointers, nil
}

// hashRanges returns the resources of the ranges, in their order. Only the digests are filled in. The files were listed,
// in the order of the plan, or are looked up if that is nil.
func (s *settings) hashRanges(ctx context.Context, t *tree, plan *manifest.Plan, listed []*file, ranges []manifest.Range) (
	[]manifest.Resource, *engine, error) {
	if s.follow {
		return nil, nil, fmt.Errorf("hashing %s: %w", t.shown, errUnread)
	}
	w := &walker{settings: s, tree: t}
	n := w.assign(plan, listed, ranges)
	var resources []manifest.Resource
	var e *engine
	var err error
	if listed == nil {
		err = w.lookUp(ctx, plan)
	}
	if err == nil {
		resources = make([]manifest.Resource, n) // now that the files are known to have them
		e, err = w.fill(ctx, resources)
	}
	switch {
	case ctx.Err() != nil:
		return nil, nil, fmt.Errorf("hashing %s: %w", t.shown, ctx.Err())
	case err != nil:
		return nil, nil, err
	}
	return resources, e, nil
}

// assign has the walker know of the files of the ranges, as if it had found them, and returns how many resources they
// have. Those are numbered in the order of the ranges.
func (w *walker) assign(plan *manifest.Plan, listed []*file, ranges []manifest.Range) (n int) {
	byDir := map[string][]file{}
	for i, r := range ranges {
		f := file{path: plan.Files[r.File].Path, stamp: stamp{size: plan.Files[r.File].Size, mtime: plan.Files[r.File].ModTime}}
		if listed != nil {
			f = *listed[r.File]
		}
		f.first = n - int(r.First)
		if r.Count < w.count(f.size) {
			f.from = r.First * w.serialization.ShardSize
			f.to = f.from + min(f.size-f.from, r.Count*w.serialization.ShardSize)
		}
		dir := dirOf(f.path)
		byDir[dir] = append(byDir[dir], f)
		n += int(ranges[i].Count)
	}
	for dir, files := range byDir {
		w.groups = append(w.groups, group{dir: dir, files: files})
	}
	w.join()
	return n
}

func segmentsOf(plan *manifest.Plan, ranges []manifest.Range, resources []manifest.Resource) []manifest.Segment {
	list := make([]manifest.Segment, len(ranges))
	for i, r := range ranges {
		list[i] = manifest.Segment{Entry: plan.Files[r.File], First: r.First, Digests: make([]string, r.Count)}
		for j := range list[i].Digests {
			list[i].Digests[j] = resources[j].Digest.Hex
		}
		resources = resources[r.Count:]
	}
	return list
}
