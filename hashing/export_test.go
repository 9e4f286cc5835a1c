package hashing

import (
	"bytes"
	"os"
	"time"
)

// Share returns how many streams each worker takes of n, by the rates of 1, 2, … streams together.
func Share(n, workers int, rates ...float64) []int {
	k := kernel{lanes: len(rates), rate: func(n int) float64 { return append([]float64{0}, rates...)[n] }}
	var list []int
	for width, workers := range k.share(n, workers) {
		for range workers {
			list = append(list, width)
		}
	}
	return list
}

// SetAge sets how old the last change of a file must be, which is two seconds, so that tests need not wait.
func (c *Cache) SetAge(age time.Duration) { c.age = age }

// Len returns the number of entries.
func (c *Cache) Len() int { return len(c.merged()) }

// Seed puts an entry into the cache as if the named file, as it is, had just been hashed with SHA-256 to sum.
func (c *Cache) Seed(name string, sum []byte) error {
	info, err := os.Lstat(name)
	if err == nil {
		s := stampOf(info)
		dev, ino, _ := s.id.numbers()
		c.set(cached{cacheKey{dev: dev, ino: ino}, s.size, s.mtime, s.ctime, time.Now().Unix(), sum})
	}
	return err
}

// SeedMany puts n entries of no file into the cache, the first of which was used first.
func (c *Cache) SeedMany(n int) {
	for i := range n {
		c.set(cached{cacheKey{dev: 1, ino: uint64(n - i)}, 5000, 1, 1, int64(i), make([]byte, 32)})
	}
}

// Bound drops what does not fit into a file of the given size, and returns the keys' inodes.
func (c *Cache) Bound(size int64) (inodes []uint64) {
	for _, e := range bounded(c.merged(), size) {
		inodes = append(inodes, e.ino)
	}
	return inodes
}

// ReparseCache parses the data of a cache's file and returns what is written for it.
func ReparseCache(data []byte) ([]byte, error) {
	entries, err := parseCache(data)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = cacheWriter(entries)(&b)
	return b.Bytes(), err
}
