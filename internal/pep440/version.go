// Package pep440 reads and compares versions of Python packages and the specifiers that select them, as PEP 440 and the
// version specifiers of the Python packaging guide describe them, and as pip's own library, packaging, decides.
package pep440

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// MaxLength is how many bytes a version, or one specifier, may have.
const MaxLength = 256

// A Version is a version in its normal form. It is immutable, and the zero value is not a version.
type Version struct {
	epoch   number
	release []number
	pre     part // "a", "b" or "rc"
	post    part // "post"
	dev     part // "dev"
	local   []string
}

// A number is a decimal of any size, without leading zeros.
type number string

// A part is a letter and a number, as in rc1; the letter is empty if a version does not have the part.
type part struct {
	letter string
	n      number
}

// The groups are epoch, release, pre's letter and number, post's number behind a bare hyphen, its letter, its other
// number, dev's letter and number, and the local label.
const (
	epochRelease = `v?(?:([0-9]+)!)?([0-9]+(?:\.[0-9]+)*)`
	preRelease   = `(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?([0-9]+)?)?`
	postRelease  = `(?:-([0-9]+)|[-_.]?(post|rev|r)[-_.]?([0-9]+)?)?`
	devRelease   = `(?:[-_.]?(dev)[-_.]?([0-9]+)?)?`
	localLabel   = `(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?`
)

var grammar = lazy(`^` + epochRelease + preRelease + postRelease + devRelease + localLabel + `$`)

// lazy compiles an expression the first time that it is needed. Most programs that have this package never do, and
// would pay for it at each start.
func lazy(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

var letters = map[string]string{"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc", "rev": "post", "r": "post"}

// Parse reads a version, in any of the spellings that PEP 440 normalises, with white space around it.
func Parse(s string) (Version, error) {
	if len(s) > MaxLength {
		return Version{}, fmt.Errorf("version %.40q… is longer than %d bytes", s, MaxLength)
	}
	m := grammar().FindStringSubmatch(lower(strings.Trim(s, space)))
	if m == nil {
		return Version{}, fmt.Errorf("%.300q is not a version of PEP 440", s)
	}
	v := Version{epoch: num(m[1]), pre: newPart(m[3], m[4]), post: newPart(m[6], m[7]), dev: newPart(m[8], m[9])}
	for n := range strings.SplitSeq(m[2], ".") {
		v.release = append(v.release, num(n))
	}
	if m[5] != "" {
		v.post = part{"post", num(m[5])}
	}
	if m[10] != "" {
		v.local = strings.FieldsFunc(m[10], func(r rune) bool { return strings.ContainsRune("-_.", r) })
		for i, l := range v.local {
			if digits(l) {
				v.local[i] = string(num(l))
			}
		}
	}
	return v, nil
}

const space = " \t\n\r\f\v"

// lower is for ASCII alone: strings.ToLower makes a k of the Kelvin sign.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

func num(s string) number {
	if s = strings.TrimLeft(s, "0"); s == "" {
		s = "0"
	}
	return number(s)
}

func newPart(letter, n string) part {
	if letter == "" {
		return part{}
	}
	if short, ok := letters[letter]; ok {
		letter = short
	}
	return part{letter, num(n)}
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// String returns the normal form, which keeps zeros at the end of the release.
func (v Version) String() string {
	s := v.base()
	if v.pre.letter != "" {
		s += v.pre.letter + string(v.pre.n)
	}
	for _, p := range []part{v.post, v.dev} {
		if p.letter != "" {
			s += "." + p.letter + string(p.n)
		}
	}
	if len(v.local) > 0 {
		s += "+" + strings.Join(v.local, ".")
	}
	return s
}

// base returns the normal form of epoch and release.
func (v Version) base() string {
	var b strings.Builder
	if v.epoch != "0" {
		b.WriteString(string(v.epoch) + "!")
	}
	for i, n := range v.release {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(string(n))
	}
	return b.String()
}

// Canonical returns the normal form without zeros at the end of the release: equal versions have equal ones.
func (v Version) Canonical() string {
	for len(v.release) > 1 && v.release[len(v.release)-1] == "0" {
		v.release = v.release[:len(v.release)-1]
	}
	return v.String()
}

// Public returns the version without its local label, which says who built it, and not what.
func (v Version) Public() Version {
	v.local = nil
	return v
}

// Prerelease reports whether v comes before a release: an alpha, beta, candidate or development version.
func (v Version) Prerelease() bool { return v.pre.letter != "" || v.dev.letter != "" }

// Compare returns a number below, at or above zero as v is before, at or behind w in the order of PEP 440.
func (v Version) Compare(w Version) int {
	return cmp.Or(
		v.compareBase(w),
		comparePart(v.pre, w.pre, v.beforePre(), w.beforePre()),
		comparePart(v.post, w.post, -1, -1),
		comparePart(v.dev, w.dev, 1, 1),
		slices.CompareFunc(v.local, w.local, compareLabel),
	)
}

// compareBase compares epochs and releases; 1.0 is 1.
func (v Version) compareBase(w Version) int {
	if c := compareNumber(v.epoch, w.epoch); c != 0 {
		return c
	}
	for i := range max(len(v.release), len(w.release)) {
		if c := compareNumber(at(v.release, i), at(w.release, i)); c != 0 {
			return c
		}
	}
	return 0
}

func at(release []number, i int) number {
	if i < len(release) {
		return release[i]
	}
	return "0"
}

// beforePre says where a version without pre-release part stands: 1.dev1 before 1a1, 1 and 1.post1 behind it.
func (v Version) beforePre() int {
	if v.post.letter == "" && v.dev.letter != "" {
		return -1
	}
	return 1
}

// comparePart compares parts; one that is absent is below or above all that are there, as its side says.
func comparePart(a, b part, sideA, sideB int) int {
	if a.letter != "" {
		sideA = 0
	}
	if b.letter != "" {
		sideB = 0
	}
	return cmp.Or(cmp.Compare(sideA, sideB), cmp.Compare(a.letter, b.letter), compareNumber(a.n, b.n))
}

func compareNumber(a, b number) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// compareLabel compares parts of local labels: numbers are above words.
func compareLabel(a, b string) int {
	switch da, db := digits(a), digits(b); {
	case da && db:
		return compareNumber(number(a), number(b))
	case da:
		return 1
	case db:
		return -1
	}
	return cmp.Compare(a, b)
}
