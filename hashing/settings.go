package hashing

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"math"
	"runtime"
	"slices"
	"strings"

	"github.com/modelsigning/modelsigning/manifest"
)

const (
	defaultChunk = 128 << 10
	minChunk     = 4 << 10
	maxChunk     = 1 << 20
)

var gitPaths = []string{".git", ".gitattributes", ".github", ".gitignore"}

// Settings are a Configuration with every default filled in and every parameter checked.
type settings struct {
	serialization manifest.Serialization // IgnorePaths is sorted
	confined      bool                   // links that lead out of the model are errors
	only          []string
	parts         bool
	chunk         int
	workers       int
	mapped        bool
	resources     int64 // the most of them
	bytes         int64 // the most of all files
	ahead         int64 // what a Recorder keeps
	follow        bool  // pointers of Git LFS
	cache         *Cache
	rehash        bool
	progress      func(Progress)
	copy          func(path string) (io.WriteCloser, error)
	logger        *slog.Logger
}

func (c Configuration) settings() (*settings, error) {
	if c.slice.of != 0 {
		return nil, errSlice
	}
	s := &settings{
		serialization: manifest.Serialization{
			Method:        c.method,
			Algorithm:     c.algorithm,
			ShardSize:     c.shardSize,
			AllowSymlinks: c.links == on,
		},
		confined:  c.confined,
		only:      c.only,
		parts:     c.parts,
		chunk:     defaultChunk,
		workers:   c.workers,
		mapped:    c.mapped,
		resources: math.MaxInt32,
		bytes:     max(cmp.Or(c.bytes, math.MaxInt64), 0),
		ahead:     max(cmp.Or(c.ahead, DefaultMaxOutOfOrder), -1),
		follow:    c.follow,
		cache:     c.cache,
		rehash:    c.rehash,
		progress:  c.progress,
		copy:      c.copy,
		logger:    c.logger,
	}
	if c.resources != 0 {
		s.resources = min(max(int64(c.resources), 0), math.MaxInt32)
	}
	if c.chunk != 0 {
		s.chunk = min(max(c.chunk, minChunk), maxChunk) / minChunk * minChunk
	}
	if s.workers <= 0 {
		s.workers = min(runtime.GOMAXPROCS(0), runtime.NumCPU())
	}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	err := complete(&s.serialization)
	if err == nil {
		err = s.checkFollow()
	}
	if err == nil {
		err = s.cache.check()
	}
	if err != nil {
		return nil, err
	}
	s.serialization.IgnorePaths, err = c.ignorePaths()
	return s, err
}

func complete(s *manifest.Serialization) error {
	if s.Method == "" {
		s.Method = manifest.Files
	}
	if s.Algorithm == "" {
		s.Algorithm = manifest.SHA256
	}
	if s.Method == manifest.Shards && s.ShardSize == 0 {
		s.ShardSize = manifest.DefaultShardSize
	}
	switch {
	case s.Method != manifest.Files && s.Method != manifest.Shards:
		return fmt.Errorf("unknown method %q", s.Method)
	case s.Algorithm.Size() == 0:
		return fmt.Errorf("unknown hash algorithm %q", s.Algorithm)
	case s.ShardSize < 0:
		return fmt.Errorf("shard size %d is negative", s.ShardSize)
	case s.Method == manifest.Files && s.ShardSize != 0:
		return fmt.Errorf("shard size %d does not belong to method %s", s.ShardSize, s.Method)
	}
	return nil
}

// ignorePaths returns what is recorded in the manifest: the whole list, whether or not the paths exist. It is
// never nil, which would say that nothing was recorded.
func (c Configuration) ignorePaths() ([]string, error) {
	list := make([]string, 0, len(c.ignored)+len(gitPaths))
	for _, p := range c.ignored {
		clean := strings.TrimSuffix(strings.TrimPrefix(p, "./"), "/")
		if err := manifest.CheckPath(clean); err != nil {
			return nil, fmt.Errorf("ignored path %q: %w", p, err)
		}
		list = append(list, clean)
	}
	if c.git != off {
		list = append(list, gitPaths...)
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

func (s *settings) ignores(path string) bool {
	_, found := slices.BinarySearch(s.serialization.IgnorePaths, path)
	return found
}

// lists reports whether path is one of the files of SetOnly, and leads whether one of them is below it.
func (s *settings) lists(path string) bool {
	if s.only == nil {
		return true
	}
	_, found := slices.BinarySearch(s.only, path)
	return found
}

func (s *settings) leads(path string) bool {
	if s.only == nil {
		return true
	}
	below := path + "/"
	i, _ := slices.BinarySearch(s.only, below)
	return i < len(s.only) && strings.HasPrefix(s.only[i], below)
}
