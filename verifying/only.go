package verifying

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/modelsigning/modelsigning/manifest"
)

// ErrNoMatch is in a [*PatternError] whose pattern matches no signed file.
var ErrNoMatch = errors.New("matches no signed file")

// A PatternError says what is wrong with a pattern of [Configuration.SetOnly].
type PatternError struct {
	Pattern string
	// Err is [ErrNoMatch] or [path.ErrBadPattern].
	Err error
}

func (e *PatternError) Error() string { return fmt.Sprintf("pattern %.200q: %v", e.Pattern, e.Err) }
func (e *PatternError) Unwrap() error { return e.Err }

// SetOnly restricts verifying to the signed files that match one of the patterns, for those who load a model in
// parts. [Result.Partial] is then set, and [Result.Unchecked] lists the other signed files. Those are neither read
// nor missed, and files that were not signed are not looked for: who loads anything but the files that were checked
// loads what nobody has verified.
//
// A pattern is a path relative to the model's root, separated by slashes, or one with the wildcards of [path.Match],
// none of which crosses a slash. One that matches a directory stands for all signed files below it. A pattern that
// matches no signed file, or is malformed, is a [*PatternError], so that a misspelt one does not verify nothing; under
// shards, files without bytes are not signed. SetOnly without patterns lifts the restriction.
func (c Configuration) SetOnly(patterns ...string) Configuration {
	if c.only = nil; len(patterns) > 0 {
		c.only = slices.Clone(patterns)
	}
	return c
}

// split returns the paths of the signed files that are to be verified, and those of the others, both sorted.
func (c Configuration) split(m *manifest.Manifest) (checked, unchecked []string, err error) {
	all := paths(m)
	if c.only == nil {
		return all, nil, nil
	}
	s, err := newSelection(c.only)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range all {
		if s.matches(p) {
			checked = append(checked, p)
		} else {
			unchecked = append(unchecked, p)
		}
	}
	return checked, unchecked, s.unused()
}

// restrict returns what is wanted and what was found of the files that are to be verified.
func (c Configuration) restrict(r *Result, got *manifest.Manifest) (want, have *manifest.Manifest, err error) {
	checked, unchecked, err := c.split(r.Manifest)
	if err != nil {
		return nil, nil, err
	}
	r.Partial, r.Unchecked = true, unchecked
	return within(r.Manifest, checked), within(got, checked), nil
}

func within(m *manifest.Manifest, paths []string) *manifest.Manifest {
	part := *m
	part.Resources = nil
	for _, r := range m.Resources {
		if _, found := slices.BinarySearch(paths, r.Path); found {
			part.Resources = append(part.Resources, r)
		}
	}
	return &part
}

// A selection is a set of patterns that remembers which of them have matched.
type selection struct {
	patterns []string // as the caller gave them
	used     []bool
	plain    map[string][]int // by what they say literally
	globs    []int
	clean    []string
}

func newSelection(patterns []string) (*selection, error) {
	s := &selection{patterns: patterns, used: make([]bool, len(patterns)), plain: map[string][]int{}}
	for i, p := range patterns {
		if _, err := path.Match(p, ""); err != nil {
			return nil, &PatternError{p, err}
		}
		clean := strings.TrimSuffix(strings.TrimPrefix(p, "./"), "/")
		s.clean = append(s.clean, clean)
		s.plain[clean] = append(s.plain[clean], i)
		if strings.ContainsAny(clean, `*?[\`) {
			s.globs = append(s.globs, i)
		}
	}
	return s, nil
}

// matches reports whether a pattern matches the path or a directory above it.
func (s *selection) matches(p string) (found bool) {
	for end := len(p); end > 0; end = strings.LastIndexByte(p[:end], '/') {
		for _, i := range s.plain[p[:end]] {
			s.used[i], found = true, true
		}
		for _, i := range s.globs {
			if ok, _ := path.Match(s.clean[i], p[:end]); ok {
				s.used[i], found = true, true
			}
		}
	}
	return found
}

// unused returns the error about the first pattern that has matched nothing.
func (s *selection) unused() error {
	if i := slices.Index(s.used, false); i >= 0 {
		return &PatternError{s.patterns[i], ErrNoMatch}
	}
	return nil
}
