package manifest_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/manifest"
)

var (
	byFile   = manifest.Serialization{Method: manifest.Files, Algorithm: manifest.SHA256, IgnorePaths: []string{".git"}}
	byShards = manifest.Serialization{Method: manifest.Shards, Algorithm: manifest.SHA256, ShardSize: 256 << 10, IgnorePaths: []string{}}
)

// planOf makes a plan of files with the given sizes.
func planOf(by manifest.Serialization, n int, sizes ...int64) *manifest.Plan {
	p := &manifest.Plan{Name: "m", Serialization: by, Slices: n}
	for i, size := range sizes {
		p.Files = append(p.Files, manifest.Entry{Path: fmt.Sprintf("dir/%07d", i), Size: size, ModTime: int64(i) - 3})
	}
	return p
}

// shard returns the resource that a range of a plan begins with; its digest is that of its name.
func shard(p *manifest.Plan, file int, i int64) manifest.Resource {
	r := manifest.Resource{Path: p.Files[file].Path}
	if size := p.Serialization.ShardSize; size > 0 {
		r.Start = i * size
		r.End = min(r.Start+size, p.Files[file].Size)
	}
	r.Digest = digest(r.Name())
	return r
}

// whole returns the manifest of all that is planned.
func whole(p *manifest.Plan) *manifest.Manifest {
	m := &manifest.Manifest{Name: p.Name, Serialization: p.Serialization}
	for i, f := range p.Files {
		switch size := p.Serialization.ShardSize; size {
		case 0:
			m.Resources = append(m.Resources, shard(p, i, 0))
		default:
			for j := range (f.Size + size - 1) / size {
				m.Resources = append(m.Resources, shard(p, i, j))
			}
		}
	}
	m.Sort()
	return m
}

// part does the work of a slice.
func part(p *manifest.Plan, i int) *manifest.Partial {
	part := &manifest.Partial{Name: p.Name, Serialization: p.Serialization, Slice: i, Slices: p.Slices, Inventory: p.Inventory()}
	for _, r := range p.Slice(i) {
		s := manifest.Segment{Entry: p.Files[r.File], First: r.First}
		for j := range r.Count {
			s.Digests = append(s.Digests, shard(p, r.File, r.First+j).Digest.Hex)
		}
		part.Segments = append(part.Segments, s)
	}
	return part
}

func parts(p *manifest.Plan) (list []*manifest.Partial) {
	for i := range p.Slices {
		list = append(list, part(p, i))
	}
	return list
}

func randomSizes(n int, most int64) (sizes []int64) {
	random := rand.New(rand.NewPCG(1, uint64(n)))
	for range n {
		sizes = append(sizes, random.Int64N(most))
	}
	return append(sizes, 0, 1, most)
}

func TestMerge(t *testing.T) {
	for _, by := range []manifest.Serialization{byFile, byShards} {
		for n := 1; n <= 32; n++ {
			p := planOf(by, n, randomSizes(40, 10<<20)...)
			list := parts(p)
			list = append(list, list[n/2], part(p, 0)) // twice, and made twice
			rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
			got, err := manifest.Merge(list...)
			if err != nil {
				t.Fatal(err)
			}
			if want := whole(p); !reflect.DeepEqual(got, want) {
				t.Fatalf("%d slices, %s: got %v, want %v", n, by.Method, got, want)
			}
		}
	}
}

// A plan merges its own parts and no others, however complete they are.
func TestPlanMerge(t *testing.T) {
	p := planOf(byShards, 4, 0, 1, 30<<20, 70<<20)
	got, err := p.Merge(parts(p)...)
	if err != nil || !reflect.DeepEqual(got, whole(p)) {
		t.Errorf("got %v, %v", got, err)
	}
	for name, c := range map[string]struct {
		change func(p *manifest.Plan)
		want   error
	}{
		"time":   {func(p *manifest.Plan) { p.Files[2].ModTime++ }, manifest.ErrTreeChanged},
		"size":   {func(p *manifest.Plan) { p.Files[2].Size++ }, manifest.ErrTreeChanged},
		"name":   {func(p *manifest.Plan) { p.Name += "2" }, manifest.ErrOtherRun},
		"slices": {func(p *manifest.Plan) { p.Slices++ }, manifest.ErrOtherRun},
		"hash":   {func(p *manifest.Plan) { p.Serialization.Algorithm = manifest.BLAKE3 }, manifest.ErrOtherRun},
		"plan":   {func(p *manifest.Plan) { p.Files[2].Size = -1 }, manifest.ErrPlan},
	} {
		changed := planOf(byShards, 4, 0, 1, 30<<20, 70<<20)
		c.change(changed)
		if _, err := changed.Merge(parts(p)...); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	missing := new(manifest.MissingSlicesError)
	if _, err := p.Merge(parts(p)[1:]...); !errors.As(err, &missing) || !slices.Equal(missing.Missing, []int{0}) {
		t.Errorf("without a slice: got %v", err)
	}
	if _, err := p.Merge(); !errors.Is(err, manifest.ErrNotCovered) {
		t.Errorf("without any: got %v", err)
	}
}

func TestMergeRefuses(t *testing.T) {
	p := planOf(byShards, 4, 0, 1, 30<<20, 70<<20)
	other := func(change func(p *manifest.Plan)) *manifest.Partial {
		changed := planOf(byShards, 4, 0, 1, 30<<20, 70<<20)
		change(changed)
		return part(changed, 2)
	}
	forged := func(change func(p *manifest.Partial)) *manifest.Partial {
		forged := part(p, 2)
		change(forged)
		return forged
	}
	for name, c := range map[string]struct {
		part *manifest.Partial
		want error
	}{
		"another N":             {part(planOf(byShards, 5, 0, 1, 30<<20, 70<<20), 2), manifest.ErrOtherRun},
		"another name":          {other(func(p *manifest.Plan) { p.Name = "n" }), manifest.ErrOtherRun},
		"another shard size":    {other(func(p *manifest.Plan) { p.Serialization.ShardSize++ }), manifest.ErrOtherRun},
		"links":                 {other(func(p *manifest.Plan) { p.Serialization.AllowSymlinks = true }), manifest.ErrOtherRun},
		"other ignored paths":   {other(func(p *manifest.Plan) { p.Serialization.IgnorePaths = []string{"x"} }), manifest.ErrOtherRun},
		"unknown ignored paths": {other(func(p *manifest.Plan) { p.Serialization.IgnorePaths = nil }), manifest.ErrOtherRun},
		"no ignored paths":      {forged(func(p *manifest.Partial) { p.Serialization.IgnorePaths = nil }), manifest.ErrOtherRun},
		"another method":        {part(planOf(byFile, 4, 0, 1, 30<<20, 70<<20), 2), manifest.ErrOtherRun},
		"another size":          {other(func(p *manifest.Plan) { p.Files[1].Size++ }), manifest.ErrTreeChanged},
		"another time":          {other(func(p *manifest.Plan) { p.Files[0].ModTime++ }), manifest.ErrTreeChanged},
		"one more file":         {part(planOf(byShards, 4, 0, 1, 30<<20, 70<<20, 0), 2), manifest.ErrTreeChanged},
		"nil":                   {nil, manifest.ErrPartial},
		"nothing done":          {forged(func(p *manifest.Partial) { p.Segments = nil }), manifest.ErrNotCovered},
		"a file left out":       {forged(func(p *manifest.Partial) { p.Segments = p.Segments[1:] }), manifest.ErrNotCovered},
		"a shard left out":      {forged(func(p *manifest.Partial) { last(p).Digests = last(p).Digests[1:]; last(p).First++ }), manifest.ErrNotCovered},
		"a last shard left out": {forged(func(p *manifest.Partial) { s := last(p); s.Digests = s.Digests[:len(s.Digests)-1] }), manifest.ErrNotCovered},
		"a size that is not":    {forged(shrink), manifest.ErrNotCovered},
		"a file more": {forged(func(p *manifest.Partial) {
			p.Segments = append(p.Segments, manifest.Segment{Entry: manifest.Entry{Path: "z"}})
		}), manifest.ErrNotCovered},
		"the work of another":    {forged(func(p2 *manifest.Partial) { p2.Segments = part(p, 1).Segments }), manifest.ErrOverlap},
		"two slices of the same": {forged(func(p2 *manifest.Partial) { p2.Slice = 1 }), manifest.ErrOverlap},
		"a slice that is not":    {forged(func(p *manifest.Partial) { p.Slice = 4 }), manifest.ErrPartial},
		"bad digest":             {forged(func(p *manifest.Partial) { last(p).Digests[0] = strings.Repeat("G", 64) }), manifest.ErrPartial},
		"bad path":               {forged(func(p *manifest.Partial) { last(p).Path = "../x" }), manifest.ErrPartial},
		"more shards than bytes": {forged(func(p *manifest.Partial) { s := last(p); s.First = 1 << 40 }), manifest.ErrPartial},
	} {
		list := parts(p)
		list[2] = c.part
		m, err := manifest.Merge(list...)
		if m != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, %v, want %v", name, m, err, c.want)
		}
	}
	if _, err := manifest.Merge(); !errors.Is(err, manifest.ErrNotCovered) {
		t.Errorf("no parts: got %v", err)
	}
}

// shrink has a part say that the last of its files is one byte shorter.
func shrink(p *manifest.Partial) {
	path := last(p).Path
	for i := range p.Segments {
		if p.Segments[i].Path == path {
			p.Segments[i].Size--
		}
	}
}

func last(p *manifest.Partial) *manifest.Segment { return &p.Segments[len(p.Segments)-1] }

// The same slice with another digest is a conflict, and not the choice of whoever comes last.
func TestMergeTwins(t *testing.T) {
	p := planOf(byFile, 3, 5, 6, 7)
	twin := part(p, 1)
	last(twin).Digests[0] = digest("other").Hex
	if _, err := manifest.Merge(append(parts(p), twin)...); !errors.Is(err, manifest.ErrOverlap) {
		t.Errorf("got %v", err)
	}
}

func TestMergeMissing(t *testing.T) {
	p := planOf(byFile, 10, 1, 2, 3)
	list := parts(p)
	for _, c := range []struct {
		have []int
		list string
	}{
		{[]int{1, 2, 3, 4, 5, 6, 7, 8, 9}, "0"},
		{[]int{4}, "0-3,5-9"},
		{[]int{0, 3, 9, 3}, "1-2,4-8"},
		{[]int{0, 1, 2, 4, 6, 7, 8}, "3,5,9"},
	} {
		var have []*manifest.Partial
		for _, i := range c.have {
			have = append(have, list[i])
		}
		_, err := manifest.Merge(have...)
		var missing *manifest.MissingSlicesError
		if !errors.As(err, &missing) || missing.List() != c.list || missing.Slices != 10 {
			t.Errorf("got %v, want that %s are missing", err, c.list)
			continue
		}
		for _, i := range missing.Missing {
			have = append(have, list[i])
		}
		if _, err := manifest.Merge(have...); err != nil {
			t.Errorf("with those that were missing: %v", err)
		}
	}
}

// However many slices are missing, the error is a short line.
func TestMergeMissingMany(t *testing.T) {
	p := planOf(byFile, manifest.MaxSlices, 1)
	list := []*manifest.Partial{part(p, 0)}
	for i := 2; i < 2000; i += 2 {
		empty := *list[0]
		empty.Slice, empty.Segments = i, nil
		list = append(list, &empty)
	}
	_, err := manifest.Merge(list...)
	var missing *manifest.MissingSlicesError
	if !errors.As(err, &missing) || len(missing.Missing) != manifest.MaxSlices-1000 || len(err.Error()) > 400 {
		t.Errorf("got %.500v", err)
	}
}

// Parts are not changed, so that they may be merged by several goroutines.
func TestMergeKeepsParts(t *testing.T) {
	p := planOf(byShards, 5, randomSizes(10, 50<<20)...)
	list, before := parts(p), parts(p)
	m, err := manifest.Merge(list...)
	if err != nil {
		t.Fatal(err)
	}
	m.Serialization.IgnorePaths = append(m.Serialization.IgnorePaths, "x")
	m.Resources[0].Path = "x"
	if !reflect.DeepEqual(list, before) {
		t.Error("merging, or changing the manifest, has changed parts")
	}
}

// Every resource is in one slice, and no slice has more than its share and one unit.
func TestSlice(t *testing.T) {
	for name, c := range map[string]struct {
		by    manifest.Serialization
		sizes []int64
		close bool // units are small enough for 5 %
	}{
		"many files":    {byFile, randomSizes(3000, 10<<20), true},
		"few files":     {byFile, []int64{7, 5 << 30, 1 << 30, 1 << 30}, false},
		"large shards":  {byShards, []int64{2 << 40, 300 << 30, 1 << 20, 5}, true},
		"many shards":   {byShards, randomSizes(100, 1<<30), true},
		"equal":         {byFile, slices.Repeat([]int64{1 << 20}, 32*27), true},
		"nothing in it": {byFile, make([]int64, 1000), false},
	} {
		for n := 1; n <= 32; n++ {
			p := planOf(c.by, n, c.sizes...)
			if err := p.Validate(); err != nil {
				t.Fatal(err)
			}
			checkSlices(t, name, p, c.close)
		}
	}
}

func checkSlices(t *testing.T, name string, p *manifest.Plan, near bool) {
	t.Helper()
	var total, most int64
	var largest int64 = 1 << 20
	var all []manifest.Range
	for i := range p.Slices {
		ranges := p.Slice(i)
		all = append(all, ranges...)
		var sum int64
		for _, r := range ranges {
			from, to := r.First*p.Serialization.ShardSize, p.Files[r.File].Size
			if p.Serialization.Method == manifest.Shards {
				to = min(to, (r.First+r.Count)*p.Serialization.ShardSize)
				largest = max(largest, p.Serialization.ShardSize)
			} else {
				largest = max(largest, to)
			}
			sum += to - from + 256<<10
		}
		total += sum
		most = max(most, sum)
	}
	checkCovered(t, name, p, all)
	share := total / int64(p.Slices)
	if most > share+max(largest, share/64)+256<<10 {
		t.Errorf("%s: one of %d slices has %d, where %d would be ideal", name, p.Slices, most, share)
	}
	if near && float64(most) > 1.05*float64(share) {
		t.Errorf("%s: one of %d slices has %.3f of the ideal", name, p.Slices, float64(most)/float64(share))
	}
}

// checkCovered sees that the ranges are each resource of the plan once.
func checkCovered(t *testing.T, name string, p *manifest.Plan, all []manifest.Range) {
	t.Helper()
	slices.SortFunc(all, func(a, b manifest.Range) int { return cmp.Or(a.File-b.File, int(a.First-b.First)) })
	for i, f := range p.Files {
		count := int64(1)
		if size := p.Serialization.ShardSize; size > 0 {
			count = (f.Size + size - 1) / size
		}
		var next int64
		for len(all) > 0 && all[0].File == i && all[0].First == next && (all[0].Count > 0 || count == 0) {
			next += all[0].Count
			all = all[1:]
		}
		if next != count {
			t.Fatalf("%s: %d slices have %d resources of file %d, want %d", name, p.Slices, next, i, count)
		}
	}
	if len(all) > 0 {
		t.Fatalf("%s: %d slices have %v besides", name, p.Slices, all)
	}
}

// Assigning does not overflow, whatever a stranger's plan says.
func TestSliceExtremes(t *testing.T) {
	const most = 1<<63 - 1
	for _, p := range []*manifest.Plan{
		planOf(byFile, 3, most),
		planOf(byFile, 3, most-5, 5),
		planOf(manifest.Serialization{Method: manifest.Shards, Algorithm: manifest.SHA256, ShardSize: most}, 2, most-1, 1),
		planOf(manifest.Serialization{Method: manifest.Shards, Algorithm: manifest.SHA256, ShardSize: 1<<62 + 1}, 2, most),
		planOf(byFile, manifest.MaxSlices, 1, 2),
	} {
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		var ranges []manifest.Range
		for i := range min(p.Slices, 5) {
			ranges = append(ranges, p.Slice(i)...)
		}
		for _, r := range ranges {
			if r.First < 0 || r.Count < 1 || r.First+r.Count > 2 {
				t.Errorf("got %v", r)
			}
		}
	}
	for _, p := range []*manifest.Plan{
		planOf(byFile, 3, most, 1),
		planOf(byFile, 0, 1),
		planOf(byFile, manifest.MaxSlices+1, 1),
		planOf(byFile, 1, -1),
		planOf(byFile, 1),
		planOf(byShards, 1, 0, 0),
		planOf(manifest.Serialization{Method: manifest.Shards, Algorithm: manifest.SHA256, ShardSize: 1}, 1, 1<<40),
	} {
		if err := p.Validate(); !errors.Is(err, manifest.ErrPlan) {
			t.Errorf("got %v, want ErrPlan", err)
		}
	}
}
