package manifest

import (
	"cmp"
	"slices"
)

const (
	// fileCost is what opening, checking and closing a file costs, in bytes that could be hashed meanwhile.
	fileCost = 256 << 10
	// perSlice is how many units a slice has at least, where files can be cut: the more, the better the balance.
	perSlice = 64
	// minUnit is what cutting a file is not worth it for.
	minUnit = 4 * fileCost
)

// A Range is a run of resources of one file.
type Range struct {
	File         int   // the index in [Plan.Files]
	First, Count int64 // of the file's resources; Count is zero for files that have none
}

// A unit is what goes to one slice as a whole.
type unit struct {
	file         int32
	first, count int32
	cost         uint64
}

// Slice returns what slice i is to hash, sorted, for i from 0 to p.Slices-1. Every resource of the plan is in exactly
// one slice, and so is every file without resources.
//
// It depends on nothing but the plan. The unit that goes to one slice as a whole is a file, which counts as its size
// and 256 KiB, or under [Shards], for a file that is larger than 1/64 of a slice's share and than 1 MiB, a run of shards
// that is not, but for a single shard. The largest units come first, and each goes to the slice that has least so far.
// So no slice has more than its share and one unit besides. The plan must be one that [Plan.Validate] accepts.
func (p *Plan) Slice(i int) []Range {
	units := p.units()
	slices.SortFunc(units, func(a, b unit) int {
		return cmp.Or(cmp.Compare(b.cost, a.cost), cmp.Compare(a.file, b.file), cmp.Compare(a.first, b.first))
	})
	var mine []unit
	least := newLoads(p.Slices)
	for _, u := range units {
		if least.add(u.cost) == i {
			mine = append(mine, u)
		}
	}
	slices.SortFunc(mine, func(a, b unit) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.first, b.first))
	})
	ranges := make([]Range, 0, len(mine))
	for _, u := range mine {
		if n := len(ranges); n > 0 && ranges[n-1].File == int(u.file) && ranges[n-1].First+ranges[n-1].Count == int64(u.first) {
			ranges[n-1].Count += int64(u.count)
			continue
		}
		ranges = append(ranges, Range{int(u.file), int64(u.first), int64(u.count)})
	}
	return ranges
}

// units cuts the model. Numbers of files and resources fit, for a plan that is valid.
func (p *Plan) units() []unit {
	var total uint64
	for _, f := range p.Files {
		total += uint64(f.Size) + fileCost
	}
	limit := int64(max(total/uint64(p.Slices)/perSlice, minUnit))
	units := make([]unit, 0, len(p.Files))
	for i, f := range p.Files {
		count := p.Serialization.count(f.Size)
		pieces := int64(1)
		if p.Serialization.Method == Shards && f.Size > limit {
			perPiece := max(limit/p.Serialization.ShardSize, 1)
			pieces = (count + perPiece - 1) / perPiece
		}
		for j := range pieces {
			from, to := count*j/pieces, count*(j+1)/pieces
			start, end := from*p.Serialization.ShardSize, f.Size
			if to < count {
				end = to * p.Serialization.ShardSize
			}
			units = append(units, unit{int32(i), int32(from), int32(to - from), uint64(end-start) + fileCost})
		}
	}
	return units
}

// Loads is how much each slice has, as a heap: the slice with least is the first.
type loads []load

type load struct {
	cost  uint64
	slice int
}

func newLoads(n int) loads {
	l := make(loads, n)
	for i := range l {
		l[i].slice = i
	}
	return l
}

// add gives the slice that has least, the first of several, that much more, and returns it.
func (l loads) add(cost uint64) (slice int) {
	slice = l[0].slice
	l[0].cost += cost
	for i := 0; ; {
		next := 2*i + 1
		if next+1 < len(l) && l[next+1].less(l[next]) {
			next++
		}
		if next >= len(l) || !l[next].less(l[i]) {
			return slice
		}
		l[i], l[next] = l[next], l[i]
		i = next
	}
}

func (a load) less(b load) bool {
	return a.cost < b.cost || a.cost == b.cost && a.slice < b.slice
}
