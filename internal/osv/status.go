package osv

import "github.com/modelsigning/modelsigning/internal/pep440"

// Status says whether a version of the package is affected, by the algorithm of the format. A version that PEP 440 does
// not know is only looked for in the list of versions. Local labels (+cu118) do not count, unless the list has them.
func (a Affected) Status(version string) Status {
	if a.versions[version] {
		return Yes
	}
	v, err := pep440.Parse(version)
	if err != nil {
		return Unknown
	}
	public := v.Public()
	if a.versions[v.Canonical()] || a.versions[public.Canonical()] {
		return Yes
	}
	for _, events := range a.events {
		if inRange(public, events) {
			return Yes
		}
	}
	if a.undecided || len(a.events) == 0 && (a.commits || len(a.versions) == 0) {
		return Unknown
	}
	return No
}

// inRange goes through events that are in order.
func inRange(v pep440.Version, events []event) bool {
	affected, limited, below := false, false, false
	for _, e := range events {
		if e.kind == limit {
			limited = true
			below = below || e.first || v.Compare(e.version) < 0
			continue
		}
		c := 1
		if !e.first {
			c = v.Compare(e.version)
		}
		switch {
		case e.kind == introduced && c >= 0:
			affected = true
		case e.kind == fixed && c >= 0, e.kind == lastAffected && c > 0:
			affected = false
		}
	}
	return affected && (!limited || below)
}
