package pep440

import (
	"fmt"
	"slices"
	"strings"
)

// MaxSpecifiers is how many specifiers a list may have.
const MaxSpecifiers = 64

// Specifiers is a list of specifiers such as ">=2.0,<2.17.1", all of which a version must meet. It is immutable; the
// zero value is met by every version.
type Specifiers struct{ list []specifier }

type specifier struct {
	op       string
	text     string // what stands behind the operator
	version  Version
	wildcard bool // the version ends in .*
}

// Which versions an operator takes, as in packaging's grammar: the order of versions looks at no local label.
var (
	public     = lazy(`^` + epochRelease + preRelease + postRelease + devRelease + `$`)
	compatible = lazy(`^v?(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)+` + preRelease + postRelease + devRelease + `$`)
	wildcard   = lazy(`^` + epochRelease + `\.\*$`)
	operators  = []string{"===", "==", "!=", "<=", ">=", "~=", "<", ">"} // longer ones first
)

// ParseSpecifiers reads a list with at least one specifier.
func ParseSpecifiers(s string) (Specifiers, error) {
	if strings.Count(s, ",") >= MaxSpecifiers {
		return Specifiers{}, fmt.Errorf("%.40q…: more than %d specifiers of a version", s, MaxSpecifiers)
	}
	var all Specifiers
	for text := range strings.SplitSeq(s, ",") {
		one, err := parseSpecifier(strings.Trim(text, space))
		if err != nil {
			return Specifiers{}, err
		}
		all.list = append(all.list, one)
	}
	return all, nil
}

func parseSpecifier(s string) (specifier, error) {
	bad := fmt.Errorf("%.300q does not select versions: want an operator of PEP 440 and a version, as in <2.17.1", s)
	if len(s) > MaxLength {
		return specifier{}, fmt.Errorf("%.40q… is longer than the %d bytes that a specifier of a version may have", s, MaxLength)
	}
	i := slices.IndexFunc(operators, func(op string) bool { return strings.HasPrefix(s, op) })
	if i < 0 {
		return specifier{}, bad
	}
	sp := specifier{op: operators[i]}
	sp.text = lower(strings.Trim(s[len(sp.op):], space))
	if sp.op == "===" {
		if sp.text == "" || strings.ContainsAny(sp.text, space+";)") {
			return specifier{}, bad
		}
		return sp, nil
	}
	text := sp.text
	switch sp.op {
	case "==", "!=":
		if sp.wildcard = wildcard().MatchString(text); sp.wildcard {
			text = strings.TrimSuffix(text, ".*")
		}
	case "~=":
		if !compatible().MatchString(text) {
			return specifier{}, bad
		}
	default:
		if !public().MatchString(text) {
			return specifier{}, bad
		}
	}
	v, err := Parse(text)
	if err != nil {
		return specifier{}, bad
	}
	sp.version = v
	return sp, nil
}

// Contain reports whether v meets all specifiers. Pre-releases are versions like others, except that, as PEP 440 has
// it, <1.2 leaves out those of 1.2, and >1.2 leaves out 1.2's post-releases and builds with local labels.
func (s Specifiers) Contain(v Version) bool {
	return !slices.ContainsFunc(s.list, func(sp specifier) bool { return !sp.contains(v) })
}

// Surround reports whether v lies between the bounds that < and > name when nothing is left out: 1.2rc1 is before
// 1.2, and so <1.2 surrounds it, although it does not contain it.
func (s Specifiers) Surround(v Version) bool {
	return !slices.ContainsFunc(s.list, func(sp specifier) bool {
		c := v.Public().Compare(sp.version)
		switch sp.op {
		case "<":
			return c >= 0
		case ">":
			return c <= 0
		}
		return !sp.contains(v)
	})
}

func (sp specifier) contains(v Version) bool {
	switch sp.op {
	case "===":
		return v.String() == sp.text
	case "==":
		return sp.equals(v)
	case "!=":
		return !sp.equals(v)
	case "~=":
		return v.Public().Compare(sp.version) >= 0 && v.hasPrefix(sp.version.compatiblePrefix())
	case "<=":
		return v.Public().Compare(sp.version) <= 0
	case ">=":
		return v.Public().Compare(sp.version) >= 0
	case "<":
		return v.Compare(sp.version.first()) < 0
	default: // ">"
		return v.Public().Compare(sp.version) > 0 && !v.postOf(sp.version)
	}
}

// first returns the first pre-release of v, or v if it is a pre-release.
func (v Version) first() Version {
	if !v.Prerelease() {
		v.dev = part{"dev", "0"}
	}
	return v
}

// postOf reports whether v is a post-release of w, which has neither such a part nor one of development.
func (v Version) postOf(w Version) bool {
	return v.post.letter != "" && w.post == part{} && w.dev == part{} && v.pre == w.pre && v.compareBase(w) == 0
}

func (sp specifier) equals(v Version) bool {
	if sp.wildcard {
		return v.hasPrefix(sp.version)
	}
	if sp.version.local == nil {
		v = v.Public()
	}
	return v.Compare(sp.version) == 0
}

// hasPrefix reports whether v's release begins with that of prefix; where v's ends early it goes on with zeros.
func (v Version) hasPrefix(prefix Version) bool {
	for i, n := range prefix.release {
		if at(v.release, i) != n {
			return false
		}
	}
	return v.epoch == prefix.epoch
}

// compatiblePrefix returns what versions compatible with v begin with: its release without the last number.
func (v Version) compatiblePrefix() Version {
	return Version{epoch: v.epoch, release: v.release[:len(v.release)-1]}
}
