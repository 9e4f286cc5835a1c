package hashing

import (
	"bytes"
	"context"
	"encoding/hex"
	"path"
	"slices"
	"time"

	"github.com/modelsigning/modelsigning/manifest"
)

// SetCache has the digests of unchanged files taken from the cache instead of reading them, and those of others put
// into it; [Cache] says what that trusts. Saving it is for the caller. The default, nil, is to read every file.
//
// Files that are not read are still seen to be there, unchanged, at the end. They do not count in [Progress]. The
// cache is used for models in directories and files of the system and for a [Snapshot], not for other file systems.
// With SetCopy every file is read.
func (c Configuration) SetCache(cache *Cache) Configuration {
	c.cache = cache
	return c
}

// SetRehash says whether every file is read although the cache of SetCache may have its digest. A file for which it
// has another digest although it seems unchanged is a [*RehashError], once, for the cache is given what was read. The
// default is false.
func (c Configuration) SetRehash(rehash bool) Configuration {
	c.rehash = rehash
	return c
}

// A recall is a cache that is used for one tree.
type recall struct {
	*walker
	list      []manifest.Resource
	algorithm uint8
	now       time.Time // before anything is read
}

// recall returns nil if no cache is to be used.
func (w *walker) recall(resources []manifest.Resource) *recall {
	switch w.tree.fsys.(type) {
	case rootFS, linkFS, fileFS, *Snapshot: // the files are those that their stamps are of
	default:
		return nil
	}
	code := slices.Index(algorithmCodes, w.serialization.Algorithm)
	if w.cache == nil || code < 0 {
		return nil
	}
	return &recall{w, resources, uint8(code), time.Now()}
}

// key is false for files that have no entry. One has the digests of a whole file, which another machine may hash a part of.
func (r *recall) key(f *file) (k cacheKey, ok bool) {
	dev, ino, ok := f.id.numbers()
	return cacheKey{dev, ino, r.algorithm, r.serialization.ShardSize}, ok && f.ctime != 0 && f.to == 0 && cacheable(f.size)
}

// take gives the resources of unchanged files their digests, and takes these files away from those to be read.
func (r *recall) take() (unchanged []group) {
	if r == nil || r.rehash || r.copy != nil {
		return nil
	}
	var others []group
	for _, g := range r.groups {
		same, other := g, g
		same.files, other.files = nil, nil
		for i := range g.files {
			if f := &g.files[i]; r.know(f) {
				same.files = append(same.files, *f)
			} else {
				other.files = append(other.files, *f)
			}
		}
		if len(same.files) > 0 {
			unchanged = append(unchanged, same)
		}
		if len(other.files) > 0 {
			others = append(others, other)
		}
	}
	r.groups = others
	r.join()
	return unchanged
}

// know gives the resources of the file their digests, if the cache has them.
func (r *recall) know(f *file) bool {
	k, ok := r.key(f)
	if !ok {
		return false
	}
	size := r.serialization.Algorithm.Size()
	sums := r.cache.sums(k, f.stamp, r.now)
	if int64(len(sums)) != r.count(f.size)*int64(size) {
		return false
	}
	for n := f.first; len(sums) > 0; n++ {
		r.list[n].Digest = manifest.NewDigest(r.serialization.Algorithm, sums[:size])
		sums = sums[size:]
	}
	return true
}

// keep puts the digests of the files that were read into the cache.
func (r *recall) keep() error {
	if r == nil {
		return nil
	}
	var bad []string
	for _, f := range r.files {
		k, ok := r.key(f)
		if !ok {
			continue
		}
		var sums []byte
		for _, resource := range r.list[f.first:][:r.count(f.size)] {
			sums, _ = hex.AppendDecode(sums, []byte(resource.Digest.Hex)) // which the engine has made
		}
		if old := r.cache.sums(k, f.stamp, r.now); old != nil && !bytes.Equal(old, sums) {
			bad = append(bad, f.path)
		}
		r.cache.put(k, f.stamp, sums, r.now)
	}
	if bad != nil {
		slices.Sort(bad)
		return &RehashError{slices.Compact(bad)}
	}
	return nil
}

// recheck sees that files that were not read are what they were when they were listed.
func (t *tree) recheck(ctx context.Context, g group) error {
	in, err := t.enter(g)
	if err != nil {
		return t.fail(g.files[0].path, vanished(err))
	}
	defer in.close()
	for i := range g.files {
		if i%batchFiles == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		want := &g.files[i]
		now, err := in.again(path.Base(want.path), nil)
		if err == nil {
			err = want.check(now)
		}
		if err == nil && now.ctime != want.ctime {
			err = ErrChanged
		}
		if err != nil {
			return t.fail(want.path, vanished(err))
		}
	}
	return nil
}
