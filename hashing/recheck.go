package hashing

import (
	"cmp"
	"context"
	crand "crypto/rand"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/modelsigning/modelsigning/manifest"
)

// A RecheckError says that a model is not what a manifest says, as far as [Configuration.Recheck] has looked.
type RecheckError struct {
	Model string
	manifest.Diff
}

func (e *RecheckError) Error() string {
	first := ""
	switch {
	case len(e.Changed) > 0:
		first = e.Changed[0].Name
	case len(e.Missing) > 0:
		first = e.Missing[0]
	case len(e.Extra) > 0:
		first = e.Extra[0]
	}
	return fmt.Sprintf("%s is not what the manifest says: %d changed, %d missing, %d more, the first is %.200q", e.Model,
		len(e.Changed), len(e.Missing), len(e.Extra), first)
}

// Recheck looks whether a manifest that others have made, such as [manifest.Merge] of their parts, is that of the
// model. It lists the model, so that what others left out or made up is found, and hashes a share of the resources
// again, from above 0 to 1, at least one. Which, is chosen at random, so that nobody can know beforehand. A difference
// is a [*RecheckError]. It returns how many resources were hashed.
//
// Of a manifest in which k digests are wrong, it overlooks all with a probability of about (1-share)^k: a few wrong ones
// in a large model are not found. A cache is not used. How the model is hashed follows from the manifest, as in
// [Configuration.For].
func (c Configuration) Recheck(ctx context.Context, model string, m *manifest.Manifest, share float64) (checked int, err error) {
	if !(share > 0 && share <= 1) {
		return 0, fmt.Errorf("rechecking %s: share %v is not above 0 and at most 1", model, share)
	}
	if m == nil {
		return 0, fmt.Errorf("rechecking %s: the manifest is nil", model)
	}
	err = m.Validate()
	switch {
	case err != nil:
	case c.only != nil:
		err = errOnly
	case c.copy != nil:
		err = errCopy
	default:
		c.cache = nil // which is what is not to be trusted here
		c, err = c.forPlan(m.Serialization, "hashed")
	}
	if err != nil {
		return 0, fmt.Errorf("rechecking %s: %w", model, err)
	}
	err = c.inTree(model, func(s *settings, t *tree, name string) (err error) {
		checked, err = s.recheck(ctx, t, m, share)
		return err
	})
	return checked, err
}

func (s *settings) recheck(ctx context.Context, t *tree, m *manifest.Manifest, share float64) (int, error) {
	plan, listed, err := s.plan(ctx, t, "model", 1)
	if err != nil {
		return 0, err
	}
	want := slices.Clone(m.Resources)
	slices.SortFunc(want, comparePlaces)
	all := s.places(plan)
	if d := differences(want, all); !d.Empty() {
		return 0, &RecheckError{t.shown, d}
	}
	var ranges []manifest.Range
	chosen := sample(len(all), share)
	for _, i := range chosen {
		r := all[i].Range
		if n := len(ranges); n > 0 && ranges[n-1].File == r.File && ranges[n-1].First+ranges[n-1].Count == r.First {
			ranges[n-1].Count++
			continue
		}
		ranges = append(ranges, r)
	}
	resources, _, err := s.hashRanges(ctx, t, plan, listed, ranges)
	if err != nil {
		return 0, err
	}
	var d manifest.Diff
	for i, at := range chosen {
		if w := want[at]; w.Digest != resources[i].Digest {
			d.Changed = append(d.Changed, manifest.Change{Name: w.Name(), Want: w.Digest, Got: resources[i].Digest})
		}
	}
	if !d.Empty() {
		return len(chosen), &RecheckError{t.shown, d}
	}
	return len(chosen), nil
}

// A resourceAt is a resource, without its digest, and where it is in a plan.
type resourceAt struct {
	manifest.Resource
	manifest.Range
}

// places returns all resources of a plan, in the order of comparePlaces.
func (s *settings) places(plan *manifest.Plan) (list []resourceAt) {
	for i, f := range plan.Files {
		for j := range s.count(f.Size) {
			r := manifest.Resource{Path: f.Path}
			if s.serialization.Method == manifest.Shards {
				r.Start = j * s.serialization.ShardSize
				r.End = r.Start + min(s.serialization.ShardSize, f.Size-r.Start)
			}
			list = append(list, resourceAt{r, manifest.Range{File: i, First: j, Count: 1}})
		}
	}
	return list
}

func comparePlaces(a, b manifest.Resource) int {
	return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
}

// differences compares names only.
func differences(want []manifest.Resource, got []resourceAt) (d manifest.Diff) {
	for len(want) > 0 || len(got) > 0 {
		c := 0
		switch {
		case len(want) == 0:
			c = 1
		case len(got) == 0:
			c = -1
		default:
			c = comparePlaces(want[0], got[0].Resource)
		}
		if c < 0 {
			d.Missing = append(d.Missing, want[0].Name())
		} else if c > 0 {
			d.Extra = append(d.Extra, got[0].Name())
		}
		if c <= 0 {
			want = want[1:]
		}
		if c >= 0 {
			got = got[1:]
		}
	}
	slices.Sort(d.Missing)
	slices.Sort(d.Extra)
	return d
}

// sample returns a share of the numbers below n, sorted. Nobody can tell beforehand which.
func sample(n int, share float64) (chosen []int) {
	var seed [32]byte
	crand.Read(seed[:])
	random := rand.New(rand.NewChaCha8(seed))
	left := min(int(math.Ceil(share*float64(n))), n)
	for i := range n {
		if random.IntN(n-i) < left {
			chosen = append(chosen, i)
			left--
		}
	}
	return chosen
}
