//go:build unix

package hashing_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

var cachedModel = map[string]string{
	"README.md": "small", "config.json": strings.Repeat("c", 1025), "limit": strings.Repeat("l", 1024), "d/e/w1": strings.Repeat("1", 200_000),
	"d/w2": strings.Repeat("2", 5000), "w3": strings.Repeat("3", 3_000_000)}

// past makes files look as if they were written an hour ago. Their change time can't be set.
func past(t *testing.T, root string, names ...string) {
	t.Helper()
	for _, name := range names {
		must(t, os.Chtimes(filepath.Join(root, name), time.Time{}, time.Now().Add(-time.Hour)))
	}
}

// newCache returns a cache that takes files however new they are.
func newCache(t *testing.T, name string) *hashing.Cache {
	t.Helper()
	c, err := hashing.OpenCache(name)
	must(t, err)
	c.SetAge(-time.Second) // the clock of the file system may be ahead by a tick
	return c
}

// filesRead returns the files that are read when the model is hashed.
func filesRead(t *testing.T, c hashing.Configuration, root string, want []string) (read []string) {
	t.Helper()
	m, err := c.SetProgress(func(p hashing.Progress) { read = append(read, p.Path) }).Hash(root)
	must(t, err)
	equal(t, "resources", lines(m), want)
	slices.Sort(read)
	return slices.Compact(read)
}

func TestCache(t *testing.T) {
	for name, c := range map[string]hashing.Configuration{
		"files": hashing.Config(), "links": hashing.Config().SetAllowSymlinks(true),
		"shards": hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 700}),
		"blake3": hashing.Config().UseShardSerialization(hashing.Shards{Algorithm: manifest.BLAKE3}),
		"blake2": hashing.Config().UseFileSerialization(hashing.Files{Algorithm: manifest.BLAKE2b}).SetMapped(true),
	} {
		t.Run(name, func(t *testing.T) {
			root := write(t, cachedModel)
			m, err := c.Hash(root)
			must(t, err)
			want, file := lines(m), filepath.Join(t.TempDir(), "cache")
			cache := newCache(t, file)
			equal(t, "first", filesRead(t, c.SetCache(cache), root, want), []string{"README.md", "config.json", "d/e/w1", "d/w2", "limit", "w3"})
			equal(t, "again", filesRead(t, c.SetCache(cache), root, want), []string{"README.md", "limit"})
			equal(t, "rehash", filesRead(t, c.SetCache(cache).SetRehash(true), root, want), []string{"README.md", "config.json", "d/e/w1", "d/w2", "limit", "w3"})
			must(t, cache.Save())
			info, err := os.Stat(file)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the file is %v, %v", info, err)
			}
			saved := newCache(t, file)
			equal(t, "saved", filesRead(t, c.SetCache(saved), root, want), []string{"README.md", "limit"})
			before := info.ModTime()
			must(t, saved.Save())
			if info, err = os.Stat(file); err != nil || !info.ModTime().Equal(before) {
				t.Error("a cache in which nothing is new was written")
			}
			other := c.UseShardSerialization(hashing.Shards{ShardSize: 1000, Algorithm: manifest.SHA256})
			m, err = other.Hash(root)
			must(t, err)
			equal(t, "hashed in another way", filesRead(t, other.SetCache(saved), root, lines(m)), []string{"README.md", "config.json", "d/e/w1", "d/w2", "limit", "w3"})
		})
	}
}

// The zero value of a cache does not know how old a change must be.
func TestCacheFromNowhere(t *testing.T) {
	root := write(t, map[string]string{"a": "a"})
	if _, err := hashing.Config().SetCache(new(hashing.Cache)).Hash(root); !errors.Is(err, hashing.ErrCache) {
		t.Errorf("got %v, want ErrCache", err)
	}
}

// What is copied is read, whatever the cache has.
func TestCacheAndCopy(t *testing.T) {
	root := write(t, cachedModel)
	c := hashing.Config().SetCache(newCache(t, filepath.Join(t.TempDir(), "cache")))
	_, err := c.Hash(root)
	must(t, err)
	var mu sync.Mutex
	copied := map[string]*bytes.Buffer{}
	_, err = c.SetCopy(func(path string) (io.WriteCloser, error) {
		mu.Lock()
		defer mu.Unlock()
		copied[path] = new(bytes.Buffer)
		return nopCloser{copied[path]}, nil
	}).Hash(root)
	must(t, err)
	for path, content := range cachedModel {
		if b := copied[path]; b == nil || b.String() != content {
			t.Errorf("%s is not copied", path)
		}
	}
}

// A slice of a model takes whole files from the cache, never a part of one, and rechecking takes none.
// Who can put a link where the cache will be, in a directory that all share, does not have it written elsewhere.
func TestCacheLinkMeanwhile(t *testing.T) {
	root := write(t, cachedModel)
	dir := t.TempDir()
	name, victim := filepath.Join(dir, "cache"), filepath.Join(t.TempDir(), "authorized_keys")
	must(t, os.WriteFile(victim, []byte("keys"), 0o600))
	c := newCache(t, name)
	_, err := hashing.Config().SetCache(c).Hash(root)
	must(t, err)
	must(t, os.Symlink(victim, name))
	must(t, c.Save())
	if data, err := os.ReadFile(victim); string(data) != "keys" {
		t.Errorf("got %d bytes, %v", len(data), err)
	}
	if _, err := hashing.OpenCache(name); err != nil {
		t.Error(err)
	}
}

func TestCacheOfSlices(t *testing.T) {
	root := write(t, cachedModel)
	plain := hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 100_000})
	want, err := plain.Hash(root)
	must(t, err)
	cache := newCache(t, filepath.Join(t.TempDir(), "cache"))
	c := plain.SetCache(cache)
	for range 3 { // empty, then with what the slices have put there
		var parts []*manifest.Partial
		for i := range 4 {
			part, err := c.Slice(i, 4).Part(context.Background(), root)
			must(t, err)
			parts = append(parts, part)
		}
		m, err := manifest.Merge(parts...)
		must(t, err)
		equal(t, "merged", lines(m), lines(want))
	}
	equal(t, "whole", filesRead(t, c, root, lines(want)), []string{"README.md", "limit", "w3"})
	equal(t, "whole again", filesRead(t, c, root, lines(want)), []string{"README.md", "limit"})

	files, err := hashing.Hash(root)
	must(t, err)
	must(t, cache.Seed(filepath.Join(root, "w3"), make([]byte, 32)))
	for i, r := range files.Resources {
		if r.Path == "w3" {
			files.Resources[i].Digest = manifest.NewDigest(manifest.SHA256, make([]byte, 32))
		}
	}
	var different *hashing.RecheckError
	if _, err := hashing.Config().SetCache(cache).Recheck(context.Background(), root, files, 1); !errors.As(err, &different) {
		t.Errorf("rechecked with the cache that was wrong: got %v", err)
	}
}

func TestCacheOfFile(t *testing.T) {
	root := write(t, cachedModel)
	c := hashing.Config().SetCache(newCache(t, filepath.Join(t.TempDir(), "cache")))
	want := wants("w3", cachedModel["w3"])
	equal(t, "first", filesRead(t, c, filepath.Join(root, "w3"), want), []string{"w3"})
	equal(t, "again", filesRead(t, c, filepath.Join(root, "w3"), want), nil)
	dir := snapshot(t, map[string]string{"a": "-> ../../blobs/two"})
	want = wants("a", strings.Repeat("2", 300_000))
	equal(t, "snapshot", filesRead(t, c.SetHuggingFace(true), dir, want), []string{"a"})
	equal(t, "snapshot again", filesRead(t, c.SetHuggingFace(true), dir, want), nil)
}

// Whatever is done to a file, it is read again. What keeps size and modification time shows in the change time.
func TestCacheNoticesChanges(t *testing.T) {
	for what, change := range map[string]func(name string) error{
		"written": func(name string) error { return os.WriteFile(name, []byte(strings.Repeat("x", 5000)), 0o666) },
		"written, and the time set back": func(name string) error {
			info, err := os.Stat(name)
			return errors.Join(err, os.WriteFile(name, []byte(strings.Repeat("x", 5000)), 0o666), os.Chtimes(name, info.ModTime(), info.ModTime()))
		},
		"replaced": func(name string) error {
			info, err := os.Stat(name)
			return errors.Join(err, os.WriteFile(name+".new", []byte(strings.Repeat("x", 5000)), 0o666),
				os.Chtimes(name+".new", info.ModTime(), info.ModTime()), os.Rename(name+".new", name))
		},
		"removed and made": func(name string) error {
			return errors.Join(os.Remove(name), os.WriteFile(name, []byte(strings.Repeat("x", 5000)), 0o666))
		},
		"shorter": func(name string) error { return os.Truncate(name, 4999) },
	} {
		root := write(t, cachedModel)
		c := hashing.Config().SetCache(newCache(t, filepath.Join(t.TempDir(), "cache")))
		_, err := c.Hash(root)
		must(t, err)
		time.Sleep(20 * time.Millisecond) // a few ticks of the file system's clock
		must(t, change(filepath.Join(root, "d/w2")))
		got, err := c.Hash(root)
		must(t, err)
		want, err := hashing.Hash(root)
		must(t, err)
		equal(t, what, lines(got), lines(want))
	}
}

// A file that has just been changed may be changed again within a tick of the clock, and is not remembered.
func TestCacheIgnoresNewFiles(t *testing.T) {
	root := write(t, cachedModel)
	past(t, root, "w3", "d/w2") // whose change time is now
	cache, err := hashing.OpenCache(filepath.Join(t.TempDir(), "cache"))
	must(t, err)
	_, err = hashing.Config().SetCache(cache).Hash(root)
	must(t, err)
	if n := cache.Len(); n != 0 {
		t.Errorf("%d new files are remembered", n)
	}
	cache.SetAge(-time.Second)
	must(t, os.Chtimes(filepath.Join(root, "w3"), time.Time{}, time.Now().Add(time.Hour)))
	_, err = hashing.Config().SetCache(cache).Hash(root)
	must(t, err)
	if n := cache.Len(); n != 3 {
		t.Errorf("%d files are remembered, one of them from the future", n)
	}
}

func TestRehash(t *testing.T) {
	root := write(t, cachedModel)
	cache := newCache(t, filepath.Join(t.TempDir(), "cache"))
	c := hashing.Config().SetCache(cache)
	_, err := c.Hash(root)
	must(t, err)
	// As if the disk had lost bits: no time tells of it, and the cache has what the file was.
	must(t, cache.Seed(filepath.Join(root, "w3"), make([]byte, 32)))
	must(t, cache.Seed(filepath.Join(root, "d/w2"), make([]byte, 32)))
	m, err := c.Hash(root)
	must(t, err)
	if got := strings.Join(lines(m), "\n"); strings.Count(got, strings.Repeat("0", 64)) != 2 {
		t.Errorf("without a look at the files got\n%s", got)
	}
	_, err = c.SetRehash(true).Hash(root)
	var rot *hashing.RehashError
	var pe *fs.PathError
	if !errors.As(err, &rot) || !slices.Equal(rot.Paths, []string{"d/w2", "w3"}) || !errors.As(err, &pe) || pe.Path != root ||
		!strings.Contains(err.Error(), `"d/w2" and 1 more`) {
		t.Errorf("got %v", err)
	}
	want, err := hashing.Hash(root)
	must(t, err)
	for _, c := range []hashing.Configuration{c, c.SetRehash(true)} {
		got, err := c.Hash(root)
		must(t, err)
		equal(t, "afterwards", lines(got), lines(want))
	}
}

// A file system of the caller's may show other content than that of the files whose identity it tells.
func TestCacheNotInFS(t *testing.T) {
	root := write(t, cachedModel)
	cache := newCache(t, filepath.Join(t.TempDir(), "cache"))
	_, err := hashing.Config().SetCache(cache).HashFS(context.Background(), os.DirFS(root), "m")
	must(t, err)
	if n := cache.Len(); n != 0 {
		t.Errorf("%d files are remembered", n)
	}
}

// What is done to files that are not read, while others are, is noticed at the end.
func TestCacheChangedWhileHashed(t *testing.T) {
	for what, change := range changes {
		root := write(t, map[string]string{"big": strings.Repeat("b", 5<<20), "middle": strings.Repeat("m", 1<<20), "middle.other": ""})
		p := filepath.Join(root, "middle")
		c := hashing.Config().AddIgnoredPaths("middle.other").SetMaxWorkers(1).SetCache(newCache(t, filepath.Join(t.TempDir(), "cache")))
		_, err := c.Hash(root)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(root, "big"), []byte(strings.Repeat("c", 5<<20)), 0o666))
		open := openFiles()
		var once sync.Once
		_, err = c.SetProgress(func(q hashing.Progress) {
			once.Do(func() { must(t, change(p)) })
			if q.Path != "big" {
				t.Errorf("%s was read", q.Path)
			}
		}).Hash(root)
		var pe *fs.PathError
		if !errors.Is(err, hashing.ErrChanged) || !errors.As(err, &pe) || pe.Path != p {
			t.Errorf("%s: got %v", what, err)
		}
		if n := openFiles(); n != open {
			t.Errorf("%s: %d files are open, there were %d before", what, n, open)
		}
	}
}

func TestCacheInManyGoroutines(t *testing.T) {
	root, file := write(t, cachedModel), filepath.Join(t.TempDir(), "cache")
	cache := newCache(t, file)
	want, err := hashing.Hash(root)
	must(t, err)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			got, err := hashing.Config().SetCache(cache).SetRehash(i%5 == 0).Hash(root)
			if err != nil || !slices.Equal(got.Resources, want.Resources) {
				t.Errorf("got %v", err)
			}
			if i%10 == 0 {
				if err := cache.Save(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	must(t, cache.Save())
	equal(t, "saved", filesRead(t, hashing.Config().SetCache(newCache(t, file)), root, lines(want)), []string{"README.md", "limit"})
}
