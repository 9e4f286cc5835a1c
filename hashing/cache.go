package hashing

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/modelsigning/modelsigning/internal/atomicfile"
	"github.com/modelsigning/modelsigning/manifest"
)

// ErrCache says that a file is not a digest cache, is damaged, or is not to be trusted. Deleting it loses nothing but
// time.
var ErrCache = errors.New("not a digest cache that can be used")

// A Cache remembers the digests of files, so that those that have not changed since need not be read again. It is
// used where [Configuration.SetCache] says so, and nowhere else.
//
// # What it trusts
//
// A file counts as unchanged if its device, inode, size, modification time and change time (ctime), the last two in
// nanoseconds, are what they were when it was hashed. The system sets the change time when a write begins, and
// lets no program set it. What a verification with a cache says is therefore only as good as these:
//   - Whoever can write the cache's file can make any changed file pass. It is written for its owner alone, and
//     refused where others than its owner or root own or may write it.
//   - Whoever can set the clock, write to the disk below its file system, or make the file system itself, in an image,
//     a server or FUSE, can make a changed file pass. So can, on network file systems, a change that has not come here.
//   - A program that has mapped a file for writing may go on to change it for a while without a new time, and one whose
//     write has begun, and waits, may end it.
//   - Whoever may write to a file of ext4 or XFS can exchange its blocks with those of another (EXT4_IOC_MOVE_EXT,
//     XFS_IOC_SWAPEXT), and no time tells. Use a cache only for files that nobody may write to whom you do not trust.
//   - A disk that loses bits is not noticed. [Configuration.SetRehash] notices.
//
// A file that was changed less than two seconds before it is hashed is not remembered: it might be changed again
// within what the file system's clock tells apart. Nor is a file of at most [manifest.MaxLFSPointer] bytes, which is
// read as quickly. Where the system does not tell inodes and change times, as on Windows, nothing is.
//
// A Cache comes from [OpenCache]; hashing with any other is an error that wraps [ErrCache]. It may be used by many
// goroutines and for many models. Several processes may use one file: what the last of them saves is what stays, whole.
type Cache struct {
	target atomicfile.Target // where the name led when it was opened
	age    time.Duration     // that a change must have

	mu      sync.Mutex
	old     []cached // as in the file, in order
	recent  map[cacheKey]cached
	changed bool // since the file was read or written
}

// A cacheKey is what tells entries apart.
type cacheKey struct {
	dev, ino  uint64
	algorithm uint8 // see algorithmCodes
	shardSize int64 // 0 for whole files
}

func (a cacheKey) compare(b cacheKey) int {
	return cmp.Or(cmp.Compare(a.dev, b.dev), cmp.Compare(a.ino, b.ino), cmp.Compare(a.algorithm, b.algorithm),
		cmp.Compare(a.shardSize, b.shardSize))
}

// A cached is an entry.
type cached struct {
	cacheKey
	size, mtime, ctime int64 // times are Unix times in nanoseconds
	used               int64 // when, in Unix seconds
	sums               []byte
}

// racy is how old a change must be, at least, for any later one to give the file other times: clocks of file systems
// are that coarse.
const racy = 2 * time.Second

// OpenCache reads a cache from the named file. If there is no such file, the cache is empty, and Save makes it; its
// directory must be there. A file that is no cache, damaged, of another version, or not safe from others is an error
// that wraps [ErrCache]. Errors are a [*fs.PathError].
func OpenCache(name string) (*Cache, error) {
	target, notFound := atomicfile.Find(name)
	entries, err := readCache(name)
	if err == nil {
		err = notFound
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open digest cache", Path: name, Err: bare(err)}
	}
	return &Cache{target: target, age: racy, old: entries, recent: map[cacheKey]cached{}}, nil
}

// check reports whether c is not the zero value, which does not know how old a change must be.
func (c *Cache) check() error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.recent == nil {
		return fmt.Errorf("%w: it does not come from OpenCache", ErrCache)
	}
	return nil
}

// Save writes the cache to its file, which should be in no model, if anything is new, so that after a crash there is
// either the new file, whole, or the old one. A link that has come into its place since it was opened is replaced, and
// not followed. Of more than about two million entries those that were not used for longest are dropped.
// Errors are a [*fs.PathError].
func (c *Cache) Save() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.changed {
		return nil
	}
	entries := bounded(c.merged(), maxCache)
	err := c.target.Replace(0o600, cacheWriter(entries))
	if err == nil {
		c.old, c.recent, c.changed = entries, map[cacheKey]cached{}, false
	}
	return err
}

// merged returns all entries in order.
func (c *Cache) merged() []cached {
	list := make([]cached, 0, len(c.old)+len(c.recent))
	for _, e := range c.old {
		if _, replaced := c.recent[e.cacheKey]; !replaced {
			list = append(list, e)
		}
	}
	for _, e := range c.recent {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b cached) int { return a.compare(b.cacheKey) })
	return list
}

// bounded returns what of the entries fits into a file of the given size, in order.
func bounded(entries []cached, size int64) []cached {
	for _, e := range entries {
		size -= e.encodedSize()
	}
	if size -= int64(len(cacheHeader)) + cacheSumSize; size >= 0 {
		return entries
	}
	slices.SortFunc(entries, func(a, b cached) int { return cmp.Compare(a.used, b.used) })
	for size < 0 && len(entries) > 0 {
		size += entries[0].encodedSize()
		entries = entries[1:]
	}
	slices.SortFunc(entries, func(a, b cached) int { return a.compare(b.cacheKey) })
	return entries
}

// find returns the place of an entry, or nil.
func (c *Cache) find(k cacheKey) *cached {
	if e, ok := c.recent[k]; ok {
		return &e
	}
	i, ok := slices.BinarySearchFunc(c.old, k, func(e cached, k cacheKey) int { return e.compare(k) })
	if !ok {
		return nil
	}
	return &c.old[i]
}

// sums returns the digests of the file with this key and stamp, one after the other, or nil.
func (c *Cache) sums(k cacheKey, s stamp, now time.Time) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.find(k)
	if e == nil || e.size != s.size || e.mtime != s.mtime || e.ctime != s.ctime {
		return nil
	}
	if now.Sub(time.Unix(e.used, 0)) > 24*time.Hour { // no new file for each use
		c.set(cached{k, e.size, e.mtime, e.ctime, now.Unix(), e.sums})
	}
	return e.sums
}

func (c *Cache) set(e cached) {
	c.recent[e.cacheKey] = e
	c.changed = true
}

// put remembers what a file has been hashed to by now, if its last change is old enough.
func (c *Cache) put(k cacheKey, s stamp, sums []byte, now time.Time) {
	oldest := now.Add(-c.age).UnixNano()
	if s.mtime > oldest || s.ctime > oldest {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.find(k); e != nil && e.size == s.size && e.mtime == s.mtime && e.ctime == s.ctime && bytes.Equal(e.sums, sums) {
		return
	}
	c.set(cached{k, s.size, s.mtime, s.ctime, now.Unix(), sums})
}

// cacheable reports whether files of this size are worth an entry. Smaller ones may be pointers of Git LFS, which are
// known by their content.
func cacheable(size int64) bool { return size > manifest.MaxLFSPointer }

// A RehashError says that files do not have the digests that the cache had for them, although nothing tells that
// they were changed: their disk has lost bits, or somebody is hiding something, or has written the cache.
type RehashError struct {
	// Paths are relative to the model's root. Sorted.
	Paths []string
}

func (e *RehashError) Error() string {
	more := ""
	if len(e.Paths) > 1 {
		more = fmt.Sprintf(" and %d more", len(e.Paths)-1)
	}
	return fmt.Sprintf("%.200q%s: changed without a sign of it since the digest cache was written", e.Paths[0], more)
}
