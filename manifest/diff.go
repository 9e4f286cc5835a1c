package manifest

import "slices"

// A Diff says how a model differs from what was signed. Its lists are sorted by name.
type Diff struct {
	Missing []string // signed, but not found
	Extra   []string // found, but not signed
	Changed []Change // both, with other content
}

// A Change is a resource whose content is not what was signed.
type Change struct {
	Name      string
	Want, Got Digest
}

// Empty reports whether there is no difference.
func (d Diff) Empty() bool { return len(d.Missing)+len(d.Extra)+len(d.Changed) == 0 }

// Diff compares the manifest that is wanted, m, with the one that was found. Order does not matter. Only
// resources count: names and serializations of the two manifests are not compared. It takes linear time for
// manifests that are in the order of [Manifest.Sort], and sorts an index of those that are not.
func (m *Manifest) Diff(got *Manifest) Diff {
	var d Diff
	a, b := m.byName(), got.byName()
	i, j := 0, 0
	for i < a.len() || j < b.len() {
		c := 0
		switch {
		case i == a.len():
			c = 1
		case j == b.len():
			c = -1
		default:
			c = CompareNames(*a.at(i), *b.at(j))
		}
		switch {
		case c < 0:
			d.Missing = append(d.Missing, a.at(i).Name())
			i++
		case c > 0:
			d.Extra = append(d.Extra, b.at(j).Name())
			j++
		default:
			if want, have := a.at(i).Digest, b.at(j).Digest; want != have {
				d.Changed = append(d.Changed, Change{a.at(i).Name(), want, have})
			}
			i++
			j++
		}
	}
	return d
}

// An order is the resources of a manifest seen in sorted order; index is nil where they are sorted already.
type order struct {
	resources []Resource
	index     []int32
}

func (o order) len() int { return len(o.resources) }

func (o order) at(i int) *Resource {
	if o.index != nil {
		i = int(o.index[i])
	}
	return &o.resources[i]
}

func (m *Manifest) byName() order { return sorted(m.Resources, CompareNames) }

func sorted(rs []Resource, compare func(a, b Resource) int) order {
	if slices.IsSortedFunc(rs, compare) {
		return order{resources: rs}
	}
	index := make([]int32, len(rs))
	for i := range index {
		index[i] = int32(i)
	}
	slices.SortFunc(index, func(i, j int32) int { return compare(rs[i], rs[j]) })
	return order{rs, index}
}
