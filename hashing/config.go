package hashing

import (
	"io"
	"log/slog"
	"slices"

	"github.com/modelsigning/modelsigning/manifest"
)

// A Configuration says how models are hashed. It is an immutable value: every method returns a changed copy, so
// that one may be kept, branched and used by many goroutines at once. The zero value is what [Config] returns.
type Configuration struct {
	method    manifest.Method // empty until UseX is called
	algorithm manifest.Algorithm
	shardSize int64
	links     choice
	confined  bool // links are allowed by a signature, not by the caller
	git       choice
	ignored   []string
	only      []string // sorted; nil for every file
	parts     bool     // what else there is is not looked for
	slice     slice
	chunk     int
	workers   int
	mapped    bool
	hub       bool  // models may lie as Hugging Face lays them out
	resources int   // the most of them; 0 for what a manifest can hold
	bytes     int64 // the most of all files; 0 for any
	ahead     int64
	follow    bool // pointers of Git LFS
	cache     *Cache
	rehash    bool // read all, whatever the cache has
	progress  func(Progress)
	copy      func(path string) (io.WriteCloser, error)
	logger    *slog.Logger
}

// A choice is a switch that remembers whether anybody has set it.
type choice int8

const (
	unset choice = iota
	off
	on
)

func choose(b bool) choice {
	if b {
		return on
	}
	return off
}

// Config returns the default: SHA-256 of each file, git's own files ignored, symbolic links refused.
func Config() Configuration { return Configuration{} }

// Files are the parameters of [Configuration.UseFileSerialization]. The zero value is the default.
type Files struct {
	// Algorithm is SHA-256 if empty.
	Algorithm manifest.Algorithm
	// ChunkSize is how many bytes of a file are read at once, 128 KiB if zero; less of each where many are read
	// together, so that a worker holds about 1 MiB. It has no influence on digests, and is kept between 4 KiB
	// and 1 MiB.
	ChunkSize int
	// MaxWorkers is as in SetMaxWorkers; zero leaves it as it is.
	MaxWorkers int
	// AllowSymlinks follows links, as SetAllowSymlinks(true) does; false leaves that setting as it is.
	AllowSymlinks bool
	// IgnorePaths are added, as AddIgnoredPaths does.
	IgnorePaths []string
}

// Shards are the parameters of [Configuration.UseShardSerialization]. The zero value is the default, and the
// fields are those of [Files] but for ShardSize.
type Shards struct {
	Algorithm     manifest.Algorithm
	ChunkSize     int
	MaxWorkers    int
	AllowSymlinks bool
	IgnorePaths   []string
	// ShardSize is how many bytes one digest covers, [manifest.DefaultShardSize] if zero.
	ShardSize int64
}

// UseFileSerialization makes one digest of each file. It takes the place of an earlier serialization.
func (c Configuration) UseFileSerialization(o Files) Configuration {
	return c.use(manifest.Files, 0, o)
}

// UseShardSerialization makes one digest of each ShardSize bytes of each file, which lets one large file be
// hashed by several processors. Files without bytes get no digest: see [Report]. It takes the place of an
// earlier serialization.
func (c Configuration) UseShardSerialization(o Shards) Configuration {
	return c.use(manifest.Shards, o.ShardSize,
		Files{o.Algorithm, o.ChunkSize, o.MaxWorkers, o.AllowSymlinks, o.IgnorePaths})
}

func (c Configuration) use(m manifest.Method, shardSize int64, o Files) Configuration {
	c.method, c.algorithm, c.shardSize = m, o.Algorithm, shardSize
	if o.ChunkSize != 0 {
		c.chunk = o.ChunkSize
	}
	if o.MaxWorkers != 0 {
		c.workers = o.MaxWorkers
	}
	if o.AllowSymlinks {
		c.links = on
	}
	return c.AddIgnoredPaths(o.IgnorePaths...)
}

// SetIgnoredPaths replaces the paths to leave out, each with all that is below it. Paths are no patterns. They are
// relative to the model's root and separated by slashes; one that [manifest.CheckPath] refuses is an error when
// hashing. They do not apply to a model that is a single file. Git's own files are ignored besides: see
// SetIgnoreGitPaths.
func (c Configuration) SetIgnoredPaths(paths ...string) Configuration {
	c.ignored = slices.Clone(paths)
	return c
}

// AddIgnoredPaths adds to the paths of [Configuration.SetIgnoredPaths].
func (c Configuration) AddIgnoredPaths(paths ...string) Configuration {
	c.ignored = slices.Concat(c.ignored, paths)
	return c
}

// SetIgnoreGitPaths says whether .git, .gitignore, .gitattributes and .github are left out at the top of the
// model. The default is true.
func (c Configuration) SetIgnoreGitPaths(ignore bool) Configuration {
	c.git = choose(ignore)
	return c
}

// SetAllowSymlinks says whether symbolic links are followed, so that what they lead to is hashed under the name
// of the link. The default is false: a link is then an error that wraps [ErrSymlink]. With links allowed, a
// cycle or a link to nothing is still an error, and one to outside of the model is a warning.
func (c Configuration) SetAllowSymlinks(allow bool) Configuration {
	c.links, c.confined = choose(allow), false
	return c
}

// SetOnly restricts hashing to the files with the given paths, relative to the model's root. Whatever else is
// found is listed in [Report] and neither read nor followed nor an error, unless it stands where a directory
// above a listed file should. A directory that may not be read stands for all below it. The manifest is then not
// that of the model: methods that only return a manifest refuse to make it. A path that stands for no
// file is no error: the report does not have it. SetOnly without paths lifts the restriction.
func (c Configuration) SetOnly(paths ...string) Configuration {
	if c.only, c.parts = nil, false; len(paths) > 0 {
		c.only = slices.Sorted(slices.Values(paths))
	}
	return c
}

// SetParts is [Configuration.SetOnly] without a look at what else there is: of directories only those above a listed
// file are opened. In the report, Unlisted is empty, and Ignored has only what is in those directories.
func (c Configuration) SetParts(paths ...string) Configuration {
	c = c.SetOnly(paths...)
	c.parts = c.only != nil
	return c
}

// SetMaxWorkers limits how many files or parts of files are hashed at the same time. Zero, the default, and what is
// negative are the number of processors that the program may use.
func (c Configuration) SetMaxWorkers(n int) Configuration {
	c.workers = n
	return c
}

// SetMapped says whether large files are mapped into memory instead of being read. The default is false. Mapping
// saves copying the data, which on Intel's servers is a fifth to a third of the time where files are in memory already, and
// on AMD's about a tenth, as mapping takes longer there. It gains nothing for one file alone, except under BLAKE3, nor where
// files come from a disk. Each worker reserves addresses for 16 MiB and a few pages, which is the most that it has mapped
// at a time.
//
// It has no influence on digests. A file that is truncated while it is mapped is an error like any other change:
// the fault is caught in the goroutine that it happens in. But while a fault waits for the system, the whole program may
// have to wait with it: do not map files that somebody may change meanwhile whom you do not trust. Files of other file
// systems than ext4, XFS, Btrfs and F2FS, which the root of the model must be of, too, those of
// [Configuration.HashFS], and all files on other systems than Linux 5.14 and later are read.
func (c Configuration) SetMapped(mapped bool) Configuration {
	c.mapped = mapped
	return c
}

// SetMaxResources makes hashing fail with [ErrTooMany], before anything is read, if the manifest would have more
// than n resources: a tiny shard size makes one for each few bytes, and each takes memory. Zero, the default,
// is about two billion, which is what a manifest can hold; a negative number allows none.
//
// The files, directories and ignored paths that are found in a model may not be more than n together, either, where one
// counts once more for each full KiB of its path. What n stops is noticed while the tree is listed.
func (c Configuration) SetMaxResources(n int) Configuration {
	c.resources = n
	return c
}

// MaxResources returns what SetMaxResources has set.
func (c Configuration) MaxResources() int { return c.resources }

// SetMaxBytes makes hashing fail with [ErrTooLarge] if the files of the model have more than n bytes together: a sparse file
// of exabytes is quickly made, and takes years to read. The error names a file with which it is too much. Zero, the default,
// is no limit; a negative number allows no bytes.
//
// What counts is the sizes of files as the file system says: in all of the model, for a slice too, whatever a cache has,
// and of links those of the files that they lead to, each time. Ignored files do not count, nor do those that SetOnly or
// SetParts leaves out. Where sizes are not known before anything is read, the files that fit into a chunk are read until
// they are too much, and no more than a chunk of each other one.
//
// A [Recorder] counts the bytes that it is given, and from its beginning the size of a file that is created with one. It
// forgets those of files that failed or were aborted, and does not count those of files that are dropped.
func (c Configuration) SetMaxBytes(n int64) Configuration {
	c.bytes = n
	return c
}

// SetLogger has warnings written to l. The default, nil, drops them.
func (c Configuration) SetLogger(l *slog.Logger) Configuration {
	c.logger = l
	return c
}
