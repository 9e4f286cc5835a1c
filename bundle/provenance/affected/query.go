package affected

import (
	"errors"
	"fmt"
	"strings"

	"github.com/modelsigning/modelsigning/internal/osv"
	"github.com/modelsigning/modelsigning/internal/pep440"
	"github.com/modelsigning/modelsigning/internal/purl"
)

// MaxRecord is how many bytes a vulnerability record may have.
const MaxRecord = osv.MaxSize

// MaxFindings is how many findings an answer holds.
const MaxFindings = 100

// A Query asks for versions of packages. It is immutable and may be used by many goroutines. The zero value asks for
// nothing, and its answers are unknown.
type Query struct {
	wants     []want
	withdrawn []string
}

// A want is one thing that is asked for: some versions of a package.
type want struct {
	name   string
	record string // the ID of the record, if there is one
	status func(version string) (Status, string)
}

// Versions returns a query for packages, by names or package URLs without a version, in versions that specifiers of PEP
// 440 contain, as in ">=2.0,<2.17.1". Without specifiers it is for all versions.
func Versions(specifiers string, names ...string) (Query, error) {
	if len(names) == 0 {
		return Query{}, errors.New("no package is asked for")
	}
	status := func(version string) (Status, string) { return Affected, "was there, and any version is asked for" }
	if specifiers != "" {
		s, err := pep440.ParseSpecifiers(specifiers)
		if err != nil {
			return Query{}, err
		}
		status = func(version string) (Status, string) { return within(s, specifiers, version) }
	}
	var q Query
	for _, name := range names {
		normal, err := packageName(name)
		if err != nil {
			return Query{}, err
		}
		q.wants = append(q.wants, want{name: normal, status: status})
	}
	return q, nil
}

func packageName(s string) (string, error) {
	if !purl.IsPyPI(s) {
		return purl.NormalName(s)
	}
	name, version, err := purl.Parse(s)
	if err == nil && version != "" {
		err = fmt.Errorf("package URL %s: want none with a version, which is asked for by specifiers", s)
	}
	return name, err
}

// within says whether a version is among those that specifiers contain.
func within(s pep440.Specifiers, specifiers, version string) (Status, string) {
	if version == "" {
		return Unknown, "its version is not in the list"
	}
	v, err := pep440.Parse(version)
	switch {
	case err != nil:
		return Unknown, err.Error()
	case s.Contain(v):
		return Affected, fmt.Sprintf("version %s is within %s", v, specifiers)
	case s.Surround(v):
		return Unknown, fmt.Sprintf("version %s is left out of %s by PEP 440 alone, not by its order", v, specifiers)
	}
	return NotAffected, fmt.Sprintf("version %s is not within %s", v, specifiers)
}

// Records returns a query for what vulnerability records in the Open Source Vulnerability format are about, as files
// hold them, of at most [MaxRecord] bytes each. Packages of other ecosystems than PyPI are passed over; a record without
// any of PyPI's is an error. So is a query that only has records that were withdrawn.
func Records(records ...[]byte) (Query, error) {
	var q Query
	for i, data := range records {
		r, err := osv.Parse(data)
		switch {
		case err != nil:
			return Query{}, fmt.Errorf("record %d: %w", i+1, err)
		case len(r.Affected) == 0:
			return Query{}, fmt.Errorf("record %d, %s: is about no package of PyPI", i+1, r.ID)
		case !r.Withdrawn.IsZero():
			q.withdrawn = append(q.withdrawn, r.ID)
			continue
		}
		for _, a := range r.Affected {
			q.wants = append(q.wants, want{a.Name, r.ID, func(version string) (Status, string) { return decided(a, version) }})
		}
	}
	if len(q.wants) == 0 {
		return Query{}, fmt.Errorf("no record that stands; withdrawn: %s", strings.Join(q.withdrawn, ", "))
	}
	return q, nil
}

func decided(a osv.Affected, version string) (Status, string) {
	switch s := a.Status(version); {
	case s == osv.Yes:
		return Affected, fmt.Sprintf("version %.300q is affected", version)
	case s == osv.No:
		return NotAffected, fmt.Sprintf("version %.300q is not affected", version)
	case version == "":
		return Unknown, "its version is not in the list"
	case !isVersion(version):
		return Unknown, fmt.Sprintf("%.300q is not a version of PEP 440", version)
	}
	return Unknown, "the record has no range that can be decided"
}

func isVersion(s string) bool {
	_, err := pep440.Parse(s)
	return err == nil
}

// Withdrawn returns the IDs of records that were withdrawn, and are not asked for.
func (q Query) Withdrawn() []string { return append([]string(nil), q.withdrawn...) }

// An Answer says whether one model is affected.
type Answer struct {
	Status Status
	// Findings are what led to the status, in the order of the query, at most [MaxFindings] of Count.
	Findings []Finding
	Count    int
}

// A Finding is about one version of a package, and one record if records are asked for. Package is normal, and Version
// empty if the package is absent or its version not known. Reason is for people.
type Finding struct {
	Package, Version, Record string
	Status                   Status
	Reason                   string
}

// Ask asks for the packages of a list.
func (q Query) Ask(l List) Answer {
	if len(q.wants) == 0 {
		return Answer{}
	}
	a := Answer{Status: NotAffected}
	byName, unreadable := l.versions()
	asked := make(map[string]bool)
	for _, w := range q.wants {
		asked[w.name] = true
	}
	for _, w := range q.wants {
		versions, there := byName[w.name]
		if !there {
			status, reason := l.absent(w.name, unreadable)
			if variant := l.variant(w.name, byName, asked); status == NotAffected && variant != "" {
				status, reason = Unknown, fmt.Sprintf("%s was not there, but %s was, which may be the same code and is not asked for", w.name, variant)
			}
			a.add(Finding{w.name, "", w.record, status, reason})
		}
		if there && l.elsewhere[w.name] {
			a.add(Finding{w.name, "", w.record, Unknown, w.name + " was there, too, but not as a package of PyPI"})
		}
		for _, version := range versions {
			status, reason := w.status(version)
			a.add(Finding{w.name, version, w.record, status, w.name + ": " + reason})
		}
	}
	return a
}

// variants are what the names of packages end in that are other builds of a package without that.
var variants = []string{"-cpu", "-gpu", "-nightly", "-rocm", "-macos", "-intel", "-binary", "-headless"}

// variant returns another build of a package that is in the list, from wherever, and not asked for by its own name.
func (l List) variant(name string, byName map[string][]string, asked map[string]bool) string {
	for _, suffix := range variants {
		variant := name + suffix
		if _, there := byName[variant]; (there || l.elsewhere[variant]) && !asked[variant] {
			return variant
		}
	}
	return ""
}

// add keeps a finding if it is as bad as those before, and forgets those if it is worse.
func (a *Answer) add(f Finding) {
	if f.Status != a.Status && !f.Status.worse(a.Status) {
		return
	}
	if f.Status != a.Status {
		*a = Answer{Status: f.Status}
	}
	if a.Count++; a.Count <= MaxFindings {
		a.Findings = append(a.Findings, f)
	}
}
