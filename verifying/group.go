package verifying

import (
	"fmt"
	"slices"
	"strings"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// A group are signatures that have the model hashed in the same way.
type group struct {
	members []int    // indices of v.all
	leave   []string // paths to leave out that no statement says
}

// groups returns the signatures that are not refused, in groups.
func (v *voting) groups() []group {
	var all []group
	known := map[string]int{}
	for i, s := range v.all {
		if s.Err != nil {
			continue
		}
		leave := v.unsignedOwn(s.Result.Manifest)
		way := wayOf(s.Result.Manifest, leave)
		g, ok := known[way]
		if !ok {
			g = len(all)
			known[way] = g
			all = append(all, group{leave: leave})
		}
		all[g].members = append(all[g].members, i)
	}
	return all
}

// unsignedOwn returns the signatures in the model that m does not cover.
func (v *voting) unsignedOwn(m *manifest.Manifest) []string {
	if len(v.own) == 0 {
		return nil
	}
	signed := paths(m)
	return slices.DeleteFunc(slices.Clone(v.own), func(p string) bool {
		_, found := slices.BinarySearch(signed, p)
		return found
	})
}

// wayOf returns the same text for what has a model hashed in the same way: statements in one model often differ in
// nothing but the names of their own signatures.
func wayOf(m *manifest.Manifest, leave []string) string {
	s, recorded := m.Serialization, m.Serialization.IgnorePaths != nil
	s.IgnorePaths = slices.Concat(s.IgnorePaths, leave)
	slices.Sort(s.IgnorePaths)
	s.IgnorePaths = slices.Compact(s.IgnorePaths)
	return fmt.Sprintf("%t %q %#v", recorded, gitPaths(m), s)
}

// gitPaths returns what [hashing.Configuration.ForManifest] asks of a statement's resources: which of the names at the top
// that git's own files may have are signed, where ignored paths are not recorded.
func gitPaths(m *manifest.Manifest) (names []string) {
	if m.Serialization.IgnorePaths != nil {
		return nil
	}
	for _, r := range m.Resources {
		if top, _, _ := strings.Cut(r.Path, "/"); strings.HasPrefix(top, ".git") {
			names = append(names, top)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// compareGroup hashes the model and compares it with all statements of a group.
func (v *voting) compareGroup(g group) {
	report, err := v.hashGroup(g)
	for _, i := range g.members {
		s := &v.all[i]
		if s.Err = err; err == nil {
			s.Err = v.compareReport(s.Result, copyOf(report), v.model)
		}
		if s.Err != nil {
			s.Result = nil
		}
	}
}

func (v *voting) hashGroup(g group) (*hashing.Report, error) {
	// All of the group's resources bound what is hashed, and are what unsigned files are told from.
	m := *v.all[g.members[0]].Result.Manifest
	for _, i := range g.members[1:] {
		m.Resources = slices.Concat(m.Resources, v.all[i].Result.Manifest.Resources)
	}
	h, err := v.hashingFor(&m, v.dir)
	if err != nil {
		return nil, err
	}
	return v.report(h.AddIgnoredPaths(g.leave...))
}

// copyOf returns a report that may be changed.
func copyOf(r *hashing.Report) *hashing.Report {
	c, m := *r, *r.Manifest
	if c.Manifest = &m; c.File {
		m.Resources = slices.Clone(m.Resources)
	}
	c.Ignored, c.Unlisted = slices.Clone(c.Ignored), slices.Clone(c.Unlisted)
	return &c
}
