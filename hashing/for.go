package hashing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/modelsigning/modelsigning/manifest"
)

// ConfigFor returns the configuration that hashes a model as s says, to compare it with a manifest that has this
// serialization. It is Config().For(s), which has nothing to contradict.
func ConfigFor(s manifest.Serialization) Configuration { return Configuration{}.with(s) }

// For returns c with every parameter of s, the serialization of a signed manifest. Workers, chunk size, mapping,
// limits, cache, progress, logger and the files of SetOnly stay as they are in c, and the paths that c ignores are added to
// those of s.
// Git's own files are ignored if s records them, if SetIgnoreGitPaths(true) was called, or, where s.IgnorePaths
// is nil since the signature does not record any, unless SetIgnoreGitPaths(false) was called; see
// [Configuration.ForManifest].
//
// Links that lead out of the model are errors that wrap [ErrSymlink], unless c allows links itself: a stranger who
// signs a model must not have the verifier's other files read.
//
// A parameter that was set in c and contradicts s is a [*ConflictError]: the signature decides how a model is
// hashed, and a caller who asks for something else is told.
func (c Configuration) For(s manifest.Serialization) (Configuration, error) {
	switch {
	case c.method != "" && c.method != s.Method:
		return c, &ConflictError{Field: "method", Signed: s.Method, Configured: c.method}
	case c.algorithm != "" && c.algorithm != s.Algorithm:
		return c, &ConflictError{Field: "hash_type", Signed: s.Algorithm, Configured: c.algorithm}
	case c.shardSize != 0 && c.shardSize != s.ShardSize:
		return c, &ConflictError{Field: "shard_size", Signed: s.ShardSize, Configured: c.shardSize}
	case c.links != unset && (c.links == on) != s.AllowSymlinks:
		return c, &ConflictError{Field: "allow_symlinks", Signed: s.AllowSymlinks, Configured: c.links == on}
	case c.follow && s.Method != manifest.Files:
		return c, &ConflictError{Field: "method", Signed: s.Method, Configured: manifest.Files}
	case c.follow && s.Algorithm != manifest.SHA256:
		return c, &ConflictError{Field: "hash_type", Signed: s.Algorithm, Configured: manifest.SHA256}
	}
	return c.with(s), nil
}

// ForManifest is For(m.Serialization), but that those of git's own files that m has, or has files below, are not ignored
// where m.Serialization.IgnorePaths is nil, unless SetIgnoreGitPaths(true) was called. Old releases of the Python reference
// ignored them without a record; newer ones have no record if nothing was ignored, and then hashed them.
func (c Configuration) ForManifest(m *manifest.Manifest) (Configuration, error) {
	c, err := c.For(m.Serialization)
	if err != nil || m.Serialization.IgnorePaths != nil || c.git != unset {
		return c, err
	}
	c.git = off
	if m.SingleFile() {
		return c, nil // which may have any name
	}
	for _, p := range gitPaths {
		signed := func(r manifest.Resource) bool { return r.Path == p || strings.HasPrefix(r.Path, p+"/") }
		if !slices.ContainsFunc(m.Resources, signed) {
			c = c.AddIgnoredPaths(p)
		}
	}
	return c, nil
}

func (c Configuration) with(s manifest.Serialization) Configuration {
	c.method, c.algorithm, c.shardSize = s.Method, s.Algorithm, s.ShardSize
	c.confined = c.links == unset
	c.links = choose(s.AllowSymlinks)
	if s.IgnorePaths != nil {
		c.git = choose(c.git == on)
		c.ignored = slices.Concat(s.IgnorePaths, c.ignored)
	}
	return c
}

// A ConflictError says that a Configuration contradicts what was signed, or planned: see [Configuration.SetPlan].
type ConflictError struct {
	// Field is as signatures name it: method, hash_type, shard_size, allow_symlinks, and of a plan ignore_paths, too, or
	// slices.
	Field              string
	Signed, Configured any

	by string // what says so, if it is no signature
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s is configured as %v, but %s as %v", e.Field, e.Configured, cmp.Or(e.by, "signed"), e.Signed)
}
