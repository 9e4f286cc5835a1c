package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A piece is a segment, and the slice that it is of.
type piece struct {
	*Segment
	slice int
}

// join puts the parts together, one of each slice, and sees that they are the inventory that first names.
func join(first *Partial, bySlice map[int]*Partial) (*Manifest, error) {
	var pieces []piece
	resources := 0
	for i, p := range bySlice {
		for j := range p.Segments {
			pieces = append(pieces, piece{&p.Segments[j], i})
			resources += len(p.Segments[j].Digests)
		}
	}
	slices.SortFunc(pieces, func(a, b piece) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(a.First, b.First), cmp.Compare(a.slice, b.slice))
	})
	plan := &Plan{Name: first.Name, Serialization: first.Serialization, Slices: first.Slices}
	m := &Manifest{Name: first.Name, Serialization: first.Serialization, Resources: make([]Resource, 0, resources)}
	for len(pieces) > 0 {
		n, err := wholeFile(pieces, first.Serialization)
		if err != nil {
			return nil, err
		}
		for _, p := range pieces[:n] {
			m.Resources = p.appendResources(m.Resources, first.Serialization)
		}
		plan.Files = append(plan.Files, pieces[0].Entry)
		pieces = pieces[n:]
	}
	if err := plan.Validate(); err != nil {
		return nil, fmt.Errorf("%w: together, they make a %w", ErrNotCovered, err)
	}
	if plan.Inventory() != first.Inventory {
		return nil, fmt.Errorf("%w: the %d files of the parts are not those of the inventory that they name", ErrNotCovered, len(plan.Files))
	}
	m.Serialization.IgnorePaths = slices.Clone(m.Serialization.IgnorePaths)
	m.Sort()
	return m, nil
}

// wholeFile returns how many of the pieces are of the first file, and sees that they cover it once.
func wholeFile(pieces []piece, by Serialization) (n int, err error) {
	f := pieces[0].Entry
	var next int64
	for n < len(pieces) && pieces[n].Path == f.Path {
		p := pieces[n]
		switch {
		case p.Entry != f:
			return 0, fmt.Errorf("%w: %.200q has one size or time in slice %d, and another in slice %d", ErrNotCovered, f.Path, pieces[0].slice, p.slice)
		case n > 0 && p.First < next || n > 0 && len(p.Digests) == 0:
			return 0, fmt.Errorf("%w: %.200q is in slices %d and %d", ErrOverlap, f.Path, pieces[n-1].slice, p.slice)
		case p.First > next:
			return 0, fmt.Errorf("%w: shards %d to %d of %.200q are in no slice", ErrNotCovered, next, p.First, f.Path)
		}
		next = p.First + int64(len(p.Digests))
		n++
	}
	if count := by.count(f.Size); next != count {
		return 0, fmt.Errorf("%w: shards %d to %d of %.200q are in no slice", ErrNotCovered, next, count, f.Path)
	}
	return n, nil
}
