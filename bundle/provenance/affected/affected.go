// Package affected answers which models were built with a vulnerable package: affected, not affected, or unknown.
//
// A [Query] asks for versions of packages, by specifiers of PEP 440 ([Versions]) or by vulnerability records
// ([Records]). It is asked of the [List] of packages that provenance has:
//
//	query, err := affected.Versions("<2.17.1", "tensorflow", "tensorflow-cpu")
//	…
//	answer := query.Ask(affected.FromStatement(p.Statement))
//
// A model is not affected only if that follows from the list. It is unknown
//   - if a package is absent from a list that is not complete, or that is empty or has packages that cannot be read;
//   - if it is pip, setuptools, distribute or wheel, and absent: environments have them and pip freeze leaves them out;
//   - if it is there and its version is missing, or not one of PEP 440;
//   - if only the exceptions of < and > leave a version out: 2.17.1rc1 is before 2.17.1, and PEP 440 does not count it as
//     <2.17.1;
//   - if a record has no range that can be decided for Python packages;
//   - if one of that name is there from elsewhere than PyPI, such as conda;
//   - if it is absent, and another build of it by a usual name is there, such as tensorflow-cpu for tensorflow, which is
//     not asked for.
//
// An answer is as true as the list. Whoever asks must know who signed it; this package looks at no signature.
// Packages are known by their names: forks and other builds must be asked for by theirs.
package affected

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/modelsigning/modelsigning/internal/purl"
	"github.com/modelsigning/modelsigning/internal/pypackages"
)

// A Status is an answer. The zero value is Unknown.
type Status int

const (
	Unknown Status = iota
	NotAffected
	Affected
)

func (s Status) String() string {
	switch s {
	case NotAffected:
		return "not affected"
	case Affected:
		return "affected"
	}
	return "unknown"
}

// worse says which of two statuses a summary of both has: affected before unknown before not affected.
func (s Status) worse(than Status) bool {
	return s == Affected && than != Affected || s == Unknown && than == NotAffected
}

// Worst returns what a summary of answers is: affected if one is, else unknown if one is, else not affected. Of no
// answers it is unknown.
func Worst(all ...Status) Status {
	if len(all) == 0 {
		return Unknown
	}
	worst := NotAffected
	for _, s := range all {
		if s.worse(worst) {
			worst = s
		}
	}
	return worst
}

// A Package was there when a model was built. Names are compared in their normal form, in which Foo_Bar is foo-bar.
type Package struct {
	Name    string
	Version string // empty if it is not known
}

// A List is the packages that were there. The zero value knows nothing, so that every answer is unknown.
type List struct {
	Packages []Package
	// Complete says that no other Python package was there.
	Complete bool

	unreadable int
	elsewhere  map[string]bool // normal names of packages that are not from PyPI
}

// ListOf returns the list of the packages that URIs name: package URLs as pkg:pypi/torch@2.5.1. Those of other types
// are not Python packages from PyPI, and what is not a package URL is no package; but one that cannot be read makes the
// list incomplete.
func ListOf(uris []string, complete bool) List {
	l := List{Complete: complete}
	for _, uri := range uris {
		name, version, err := purl.Parse(uri)
		if err == nil {
			l.Packages = append(l.Packages, Package{name, version})
		} else if strings.Contains(strings.ToLower(uri), "pkg:") {
			l.add(uri)
		}
	}
	return l
}

// add adds what is, or looks like, a package URL, and is not one of PyPI.
func (l *List) add(uri string) {
	name, ok := otherName(uri)
	if !ok || purl.IsPyPI(uri) {
		l.unreadable++
		return
	}
	if normal, err := purl.NormalName(name); err == nil { // others are no names of Python packages
		if l.elsewhere == nil {
			l.elsewhere = make(map[string]bool)
		}
		l.elsewhere[normal] = true
	}
}

// otherName returns the name in a package URL of any type: what stands before the last @, behind the last slash that has
// anything behind it.
func otherName(uri string) (string, bool) {
	if len(uri) < 4 || !strings.EqualFold(uri[:4], "pkg:") {
		return "", false
	}
	if end := strings.IndexAny(uri, "?#"); end >= 0 {
		uri = uri[:end]
	}
	path := uri[4:]
	if at := strings.LastIndexByte(path, '@'); at >= 0 {
		path = path[:at]
	}
	path = strings.TrimRight(path, "/")
	slash := strings.LastIndexByte(path, '/')
	name, err := url.PathUnescape(path[slash+1:])
	return name, err == nil && slash >= 0
}

// versions returns the versions of each package, by its normal name, and how many packages have none that is one.
func (l List) versions() (byName map[string][]string, unreadable int) {
	byName = make(map[string][]string, len(l.Packages))
	unreadable = l.unreadable
	seen := make(map[Package]bool, len(l.Packages))
	for _, p := range l.Packages {
		name, err := purl.NormalName(p.Name)
		if err != nil {
			unreadable++
			continue
		}
		if one := (Package{name, p.Version}); !seen[one] {
			seen[one] = true
			byName[name] = append(byName[name], p.Version)
		}
	}
	return byName, unreadable
}

// absent says what follows from a package not being in the list.
func (l List) absent(name string, unreadable int) (Status, string) {
	switch {
	case len(l.Packages) == 0:
		return Unknown, "there is no list of Python packages"
	case !l.Complete:
		return Unknown, name + " is not in the list of packages, which is not complete"
	case unreadable > 0:
		return Unknown, fmt.Sprintf("%s is not in the list of packages, %d of which cannot be read", name, unreadable)
	case l.elsewhere[name]:
		return Unknown, name + " was there, but not as a package of PyPI"
	case pypackages.Unlisted(name):
		return Unknown, name + " is not in the list of packages, and such lists may leave it out"
	}
	return NotAffected, name + " was not there"
}
