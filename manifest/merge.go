package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Errors of [Merge] that a caller may want to tell apart, besides [ErrPartial] and [*MissingSlicesError].
var (
	// ErrOtherRun says that parts are not of one run: of another model, number of slices or serialization.
	ErrOtherRun = errors.New("parts of different runs")
	// ErrTreeChanged says that parts were made of different inventories: between them, a file was added, removed or
	// changed. Parts that were made of an earlier plan say so, too.
	ErrTreeChanged = errors.New("the model changed between the parts")
	// ErrOverlap says that two parts have digests of the same bytes.
	ErrOverlap = errors.New("parts overlap")
	// ErrNotCovered says that although all slices are there, no part covers something of the inventory.
	ErrNotCovered = errors.New("parts do not cover the model")
)

// maxShown is how much of a list an error shows, in bytes.
const maxShown = 200

// A MissingSlicesError says which slices [Merge] was given no part of. Once they are hashed, and if the model is still
// what it was, it can be called again.
type MissingSlicesError struct {
	Missing []int // sorted
	Slices  int   // how many there are
}

func (e *MissingSlicesError) Error() string {
	list := e.List()
	if len(list) > maxShown {
		list = list[:maxShown] + "…"
	}
	return fmt.Sprintf("%d of %d slices are missing: %s", len(e.Missing), e.Slices, list)
}

// List returns the missing slices with consecutive ones as ranges, as in "0-3,7": what array jobs are given.
func (e *MissingSlicesError) List() string {
	var b strings.Builder
	for i := 0; i < len(e.Missing); {
		j := i
		for j+1 < len(e.Missing) && e.Missing[j+1] == e.Missing[j]+1 {
			j++
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(e.Missing[i]))
		if j > i {
			b.WriteString("-" + strconv.Itoa(e.Missing[j]))
		}
		i = j + 1
	}
	return b.String()
}

// Merge returns the manifest of a model whose slices were hashed apart. It is the one that hashing the whole model
// would have given, with the resources in the order of [Manifest.Sort]. Parts may come in any order, and one that is
// there twice does no harm. They are not changed.
//
// That the parts are complete is proven by the parts alone: what they cover must be, file by file with its size and
// time, the inventory that each of them names. What is not proven is that the digests are true. Besides errors that
// wrap [ErrPartial], [ErrOtherRun], [ErrTreeChanged], [ErrOverlap] or [ErrNotCovered], there is a [*MissingSlicesError]
// if all parts belong together and some are not there. Time and memory are linear in the number of resources, but for
// sorting.
func Merge(parts ...*Partial) (*Manifest, error) {
	var first *Partial
	if len(parts) > 0 {
		first = parts[0]
	}
	return merging(parts, first, "")
}

// Merge is the function of the same name, for parts that must be of this plan: those of an earlier one are refused, even
// if they are complete. The plan must be one that [Plan.Validate] accepts.
func (p *Plan) Merge(parts ...*Partial) (*Manifest, error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("merging: %w", err)
	}
	like := &Partial{Name: p.Name, Slices: p.Slices, Serialization: p.Serialization, Inventory: p.Inventory()}
	return merging(parts, like, "the plan")
}

func merging(parts []*Partial, like *Partial, called string) (*Manifest, error) {
	m, err := merge(parts, like, called)
	if err != nil {
		return nil, fmt.Errorf("merging: %w", err)
	}
	return m, nil
}

// merge merges parts of the same run as first, which errors call by its slice if it is not called anything else.
func merge(parts []*Partial, first *Partial, called string) (*Manifest, error) {
	if len(parts) == 0 {
		return nil, fmt.Errorf("%w: there are none", ErrNotCovered)
	}
	if called == "" && first != nil {
		called = fmt.Sprintf("slice %d", first.Slice)
	}
	bySlice := make(map[int]*Partial, len(parts))
	for i, p := range parts {
		if p == nil {
			return nil, fmt.Errorf("%w: parts[%d] is nil", ErrPartial, i)
		}
		if err := p.Validate(); err != nil {
			return nil, fmt.Errorf("slice %d: %w", p.Slice, err)
		}
		if err := p.belongsTo(first, called); err != nil {
			return nil, err
		}
		if twin, ok := bySlice[p.Slice]; ok && !slices.EqualFunc(p.Segments, twin.Segments, (Segment).equal) {
			return nil, fmt.Errorf("%w: slice %d is there twice, with different content", ErrOverlap, p.Slice)
		}
		bySlice[p.Slice] = p
	}
	if len(bySlice) < first.Slices {
		return nil, missing(bySlice, first.Slices)
	}
	return join(first, bySlice)
}

func missing(have map[int]*Partial, n int) error {
	e := &MissingSlicesError{Slices: n}
	for i := range n {
		if have[i] == nil {
			e.Missing = append(e.Missing, i)
		}
	}
	return e
}

// belongsTo reports why p is of another run than first.
func (p *Partial) belongsTo(first *Partial, called string) error {
	a, b := p.Serialization, first.Serialization
	for _, c := range []struct {
		what        string
		have, other any
		same        bool
	}{
		{"name", p.Name, first.Name, p.Name == first.Name},
		{"number of slices", p.Slices, first.Slices, p.Slices == first.Slices},
		{"method", a.Method, b.Method, a.Method == b.Method},
		{"hash_type", a.Algorithm, b.Algorithm, a.Algorithm == b.Algorithm},
		{"shard_size", a.ShardSize, b.ShardSize, a.ShardSize == b.ShardSize},
		{"allow_symlinks", a.AllowSymlinks, b.AllowSymlinks, a.AllowSymlinks == b.AllowSymlinks},
		{"ignore_paths", a.IgnorePaths, b.IgnorePaths, slices.Equal(a.IgnorePaths, b.IgnorePaths)},
		{"record of ignore_paths", a.IgnorePaths != nil, b.IgnorePaths != nil, (a.IgnorePaths == nil) == (b.IgnorePaths == nil)},
	} {
		if !c.same {
			return fmt.Errorf("%w: slice %d has the %s %.200q, and %s %.200q", ErrOtherRun, p.Slice, c.what,
				fmt.Sprint(c.have), called, fmt.Sprint(c.other))
		}
	}
	if p.Inventory != first.Inventory {
		return fmt.Errorf("%w: slice %d has the inventory %s, and %s %s", ErrTreeChanged, p.Slice, p.Inventory, called,
			first.Inventory)
	}
	return nil
}

func (s Segment) equal(o Segment) bool {
	return s.Entry == o.Entry && s.First == o.First && slices.Equal(s.Digests, o.Digests)
}
