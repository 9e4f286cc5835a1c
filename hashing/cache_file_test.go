//go:build unix

package hashing_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
)

const cacheHeader = "model-signing digest cache 1\n"

// cacheData returns the file of a cache with entries, each the numbers and the digests.
func cacheData(entries ...[]byte) []byte {
	data := append([]byte(cacheHeader), bytes.Join(entries, nil)...)
	sum := sha256.Sum256(data)
	return append(data, sum[:]...)
}

func entry(ino uint64, algorithm byte, shardSize, size, ctime int64, sums int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, 7)
	b = append(binary.LittleEndian.AppendUint64(b, ino), algorithm)
	for _, n := range []int64{shardSize, size, 1, ctime, 1} {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	return append(b, make([]byte, sums)...)
}

func TestCacheFile(t *testing.T) {
	const huge = 1<<63 - 1
	good := entry(3, 0, 0, 5000, 1, 32)
	file := filepath.Join(t.TempDir(), "cache")
	for name, data := range map[string][]byte{
		"none": cacheData(), "one": cacheData(good), "largest": cacheData(entry(3, 0, 0, huge, 1, 32)),
		"shards":         cacheData(entry(3, 0, 1000, 5000, 1, 5*32), entry(3, 0, 1001, 5000, 1, 5*32), entry(3, 0, huge, huge, 1, 32), entry(3, 1, 0, 5000, 1, 64)),
		"several inodes": cacheData(good, entry(4, 2, 0, 5000, 1, 32), entry(1<<63, 0, 0, 5000, -1, 32)),
	} {
		must(t, os.WriteFile(file, data, 0o600))
		if _, err := hashing.OpenCache(file); err != nil {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, data := range map[string][]byte{
		"empty": {}, "text": []byte("hello"), "header": []byte(cacheHeader), "newer": bytes.Replace(cacheData(good), []byte("cache 1"), []byte("cache 2"), 1),
		"cut": cacheData(good)[:100], "cut by one": cacheData(good)[:len(cacheData(good))-1], "longer": append(cacheData(good), 0),
		"one bit":   flipped(cacheData(good), 40),
		"truncated": cacheData(good[:len(good)-1]), "half": cacheData(good, good[:20]), "twice": cacheData(good, good),
		"order":                   cacheData(entry(4, 0, 0, 5000, 1, 32), good),
		"algorithm":               cacheData(entry(3, 3, 0, 5000, 1, 32)),
		"size 0":                  cacheData(entry(3, 0, 0, 0, 1, 32)),
		"size 1024":               cacheData(entry(3, 0, 0, 1024, 1, 32)),
		"negative size":           cacheData(entry(3, 0, 0, -1, 1, 32)),
		"negative shard size":     cacheData(entry(3, 0, -1, 5000, 1, 32)),
		"no change time":          cacheData(entry(3, 0, 0, 5000, 0, 32)),
		"shards that are missing": cacheData(entry(3, 0, 1000, 5001, 1, 5*32)),
		"very many shards":        cacheData(entry(3, 0, 1, huge, 1, 32)),
		"digest too long":         cacheData(entry(3, 0, 0, 5000, 1, 64)),
	} {
		must(t, os.WriteFile(file, data, 0o600))
		_, err := hashing.OpenCache(file)
		var pe *fs.PathError
		if !errors.Is(err, hashing.ErrCache) || !errors.As(err, &pe) || pe.Path != file {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func flipped(data []byte, i int) []byte {
	data[i] ^= 1
	return data
}

func TestOpenCacheRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "cache")
	must(t, os.WriteFile(file, cacheData(), 0o600))
	for _, mode := range []fs.FileMode{0o602, 0o620, 0o666} {
		must(t, os.Chmod(file, mode))
		if _, err := hashing.OpenCache(file); !errors.Is(err, hashing.ErrCache) {
			t.Errorf("%o: got %v", mode, err)
		}
	}
	must(t, os.Chmod(file, 0o644))
	if _, err := hashing.OpenCache(file); err != nil {
		t.Error(err)
	}
	if os.Geteuid() == 0 {
		must(t, os.Chown(file, 12345, -1))
		if _, err := hashing.OpenCache(file); !errors.Is(err, hashing.ErrCache) {
			t.Errorf("of another user: got %v", err)
		}
		must(t, os.Chown(file, 0, -1))
	}
	must(t, os.Truncate(file, 1<<40))
	if _, err := hashing.OpenCache(file); !errors.Is(err, hashing.ErrCache) {
		t.Errorf("a terabyte: got %v", err)
	}
	fifo := filepath.Join(dir, "fifo")
	must(t, syscall.Mkfifo(fifo, 0o600))
	for _, name := range []string{dir, fifo} {
		if _, err := hashing.OpenCache(name); !errors.Is(err, hashing.ErrNotRegular) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, name := range []string{"", filepath.Join(dir, "none/cache"), filepath.Join(file, "cache")} {
		var pe *fs.PathError
		if _, err := hashing.OpenCache(name); !errors.As(err, &pe) {
			t.Errorf("%q: got %v", name, err)
		}
	}
}

func TestCacheBound(t *testing.T) {
	c := newCache(t, filepath.Join(t.TempDir(), "cache"))
	c.SeedMany(10) // of which the inode 10 was used first
	const each = 7*8 + 1 + 32
	if got := c.Bound(int64(len(cacheHeader)) + 32 + 3*each); !slices.Equal(got, []uint64{1, 2, 3}) {
		t.Errorf("got %d", got)
	}
	if got := c.Bound(int64(len(cacheHeader)) + 32 + 10*each); len(got) != 10 {
		t.Errorf("got %d", got)
	}
	if got := c.Bound(0); len(got) != 0 {
		t.Errorf("got %d", got)
	}
}

// A million entries are written, read and looked up in a moment.
func TestCacheOfMillion(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cache")
	want := 1_000_000
	if raceEnabled {
		want /= 10
	}
	c := newCache(t, file)
	c.SeedMany(want)
	must(t, c.Save())
	c = newCache(t, file)
	if n := c.Len(); n != want {
		t.Errorf("%d entries", n)
	}
	info, err := os.Stat(file)
	must(t, err)
	t.Logf("%d bytes", info.Size())
}

// Several writers of one file leave a whole one, and nothing else.
func TestCacheWriters(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "cache")
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 20 {
				c, err := hashing.OpenCache(file)
				if err != nil {
					t.Error(err)
					return
				}
				c.SeedMany(100 * (i + 1))
				if err := c.Save(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	c := newCache(t, file)
	if n := c.Len(); n%100 != 0 || n == 0 {
		t.Errorf("%d entries", n)
	}
	list, err := os.ReadDir(dir)
	must(t, err)
	if len(list) != 1 {
		t.Errorf("found %v", list)
	}
	must(t, os.Mkdir(filepath.Join(dir, "gone"), 0o777))
	c = newCache(t, filepath.Join(dir, "gone/cache"))
	must(t, os.Remove(filepath.Join(dir, "gone")))
	c.SeedMany(1)
	if err := c.Save(); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("got %v", err)
	}
}

func FuzzCacheFile(f *testing.F) {
	f.Add(entry(3, 0, 0, 5000, 1, 32))
	f.Add(append(entry(3, 0, 1000, 5000, 1, 5*32), entry(3, 1, 0, 5000, 1, 64)...))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		data := cacheData(body)
		again, err := hashing.ReparseCache(data)
		if err == nil && !bytes.Equal(data, again) {
			t.Errorf("%x is written as %x", data, again)
		}
		_, _ = hashing.ReparseCache(body)
	})
}
