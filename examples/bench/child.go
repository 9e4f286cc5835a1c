package main

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"golang.org/x/crypto/blake2b"
	"lukechampine.com/blake3"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/internal/blake3lanes"
	"github.com/modelsigning/modelsigning/internal/sha256lanes"
	"github.com/modelsigning/modelsigning/manifest"
)

// child is what one of our own contenders does, in a process of its own, or making a model.
func child(args []string) error {
	if args[0] == "make" {
		m, err := parseModel(args[1])
		if err != nil {
			return err
		}
		return m.make(args[2])
	}
	what, algorithm, root := args[0], manifest.Algorithm(args[1]), args[3]
	workers, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(workers)
	switch what {
	case naive:
		return hashNaively(algorithm, root)
	case memory:
		for _, speed := range primitives(algorithm) {
			fmt.Println(speed)
		}
		return nil
	}
	c := hashing.Config().UseFileSerialization(hashing.Files{Algorithm: algorithm}).SetMapped(what == mapped)
	_, err = c.Hash(root)
	return err
}

// hashNaively is what one would write first: a goroutine for each file, a thousand at a time, and io.Copy.
func hashNaively(a manifest.Algorithm, root string) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	digests := map[string][]byte{}
	var failed error
	slots := make(chan struct{}, 1000)
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			sum, err := hashFile(a, p)
			mu.Lock()
			defer mu.Unlock()
			digests[p] = sum
			if err != nil {
				failed = err
			}
		})
		return nil
	})
	wg.Wait()
	if err == nil {
		err = failed
	}
	return err
}

func hashFile(a manifest.Algorithm, p string) ([]byte, error) {
	f, err := os.Open(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var h hash.Hash
	switch a {
	case manifest.BLAKE3:
		h = blake3.New(32, nil)
	case manifest.BLAKE2b:
		h, _ = blake2b.New512(nil)
	default:
		h = sha256.New()
	}
	_, err = io.Copy(h, f)
	return h.Sum(nil), err
}

// primitives returns what one processor hashes of data that stays in its cache, in GB/s: one stream alone, and as
// many together as are fastest.
func primitives(a manifest.Algorithm) []float64 {
	buf := make([]byte, 512<<10)
	switch a {
	case manifest.BLAKE3:
		var scratch blake3lanes.Scratch
		speed := speedOf(len(buf), func() { blake3lanes.Subtree(&scratch, buf, 0) })
		return []float64{speed, speed}
	case manifest.BLAKE2b:
		speed := speedOf(len(buf), func() { blake2b.Sum512(buf) })
		return []float64{speed, speed}
	}
	lanes := sha256lanes.Lanes()
	streams, data := make([]*sha256lanes.Stream, lanes), make([][]byte, lanes)
	for i := range streams {
		streams[i], data[i] = new(sha256lanes.Stream), buf[i*len(buf)/lanes:][:len(buf)/lanes]
	}
	h := sha256.New()
	return []float64{
		speedOf(len(buf), func() { h.Write(buf) }),
		speedOf(len(buf), func() { sha256lanes.Advance(streams, data) }),
	}
}

// speedOf is the mean over a second. In its first milliseconds a processor may run up to a tenth faster than it can for
// as long as hashing a large model takes.
func speedOf(size int, f func()) float64 {
	start, n := time.Now(), 0
	for ; time.Since(start) < time.Second; n++ {
		f()
	}
	return float64(n*size) / 1e9 / time.Since(start).Seconds()
}
