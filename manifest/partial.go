package manifest

import (
	"errors"
	"fmt"
	"strings"
)

// ErrPartial says that something is not a part of a manifest: it is malformed, cut short or edited.
var ErrPartial = errors.New("malformed part")

// A Partial is what one slice of a model contributes to its manifest. [Merge] makes the manifest of all of them.
//
// It says what it is a slice of, down to the size and time of each file that it covers, so that parts that do not
// belong together are noticed. It does not say who made it: whoever writes parts decides what is signed.
type Partial struct {
	// Name and Serialization are those of the plan.
	Name          string
	Serialization Serialization
	// Slice is which of the Slices this is, from 0 to Slices-1.
	Slice, Slices int
	// Inventory is that of the plan: see [Plan.Inventory].
	Inventory Digest
	// Segments are sorted by path and place in the file, and do not overlap. A slice without work has none.
	Segments []Segment
}

// A Segment holds the digests of a run of resources of one file: of the file itself under [Files], of shards that
// follow each other under [Shards]. A file that has no bytes and so no shards has a segment without digests.
type Segment struct {
	Entry
	// First is which of the file's shards the first digest is of. It is zero under [Files].
	First int64
	// Digests are in lower-case hexadecimal, of the algorithm of the serialization.
	Digests []string
}

// Validate reports the first thing that keeps p from being a part, naming the file. The error wraps [ErrPartial].
func (p *Partial) Validate() error {
	if err := p.validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrPartial, err)
	}
	return nil
}

func (p *Partial) validate() error {
	if err := checkRun(p.Name, p.Slices, p.Serialization); err != nil {
		return err
	}
	if p.Slice < 0 || p.Slice >= p.Slices {
		return fmt.Errorf("slice: %d is not between 0 and %d", p.Slice, p.Slices-1)
	}
	if err := p.Inventory.check(); err != nil || p.Inventory.Algorithm != SHA256 {
		return fmt.Errorf("inventory: %.200q is not a digest by SHA-256", p.Inventory)
	}
	for i := range p.Segments {
		s := &p.Segments[i]
		err := s.check(p.Serialization)
		if err == nil && i > 0 {
			err = s.follows(&p.Segments[i-1])
		}
		if err != nil {
			return fmt.Errorf("segments[%d]: %w", i, err)
		}
	}
	return nil
}

func (s *Segment) check(by Serialization) error {
	if err := s.Entry.check(); err != nil {
		return err
	}
	count, n := by.count(s.Size), int64(len(s.Digests))
	switch {
	case n == 0 && count == 0 && s.First == 0: // a file without bytes
	case s.First < 0 || n == 0 || s.First > count-n: // which can't overflow
		return fmt.Errorf("%.200q: digests %d to %d of %d", s.Path, s.First, uint64(s.First)+uint64(n), count)
	}
	for _, hex := range s.Digests {
		if err := (Digest{by.Algorithm, hex}).check(); err != nil {
			return fmt.Errorf("%.200q: %w", s.Path, err)
		}
	}
	return nil
}

// follows reports why s can't come after another segment.
func (s *Segment) follows(before *Segment) error {
	c := strings.Compare(before.Path, s.Path)
	if c > 0 || c == 0 && (len(before.Digests) == 0 || s.First < before.First+int64(len(before.Digests))) {
		return fmt.Errorf("%.200q: does not come after %.200q", s.Path, before.Path)
	}
	if c == 0 && s.Entry != before.Entry {
		return fmt.Errorf("%.200q: has two sizes or times", s.Path)
	}
	return nil
}

// appendResources adds the resources that the segment has digests of.
func (s *Segment) appendResources(list []Resource, by Serialization) []Resource {
	for i, hex := range s.Digests {
		r := Resource{Path: s.Path, Digest: Digest{by.Algorithm, hex}}
		if by.Method == Shards {
			r.Start = (s.First + int64(i)) * by.ShardSize
			r.End = r.Start + min(by.ShardSize, s.Size-r.Start)
		}
		list = append(list, r)
	}
	return list
}
