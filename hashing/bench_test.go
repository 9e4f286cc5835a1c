package hashing_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// naive is what one would write first: a goroutine for each file, and io.Copy.
func naive(b *testing.B, root string) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	digests := map[string][]byte{}
	slots := make(chan struct{}, 1000)
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			f, err := os.Open(p)
			if err != nil {
				b.Error(err)
				return
			}
			defer f.Close()
			h := sha256.New()
			if _, err := io.Copy(h, f); err != nil {
				b.Error(err)
			}
			mu.Lock()
			digests[p] = h.Sum(nil)
			mu.Unlock()
		})
		return nil
	})
	wg.Wait()
	if err != nil {
		b.Fatal(err)
	}
}

func compare(b *testing.B, root string, size int64, hashes ...manifest.Algorithm) {
	b.Run("naive", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			naive(b, root)
		}
	})
	for _, a := range hashes {
		b.Run(string(a), func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			c := hashing.Config().UseFileSerialization(hashing.Files{Algorithm: a})
			for b.Loop() {
				if _, err := c.Hash(root); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func generate(b *testing.B, files, perDir, size int) (root string, total int64) {
	if testing.Short() {
		b.Skip("writes many files")
	}
	root = b.TempDir()
	data := make([]byte, size)
	random := rand.NewChaCha8([32]byte{})
	for i := range files {
		dir := filepath.Join(root, fmt.Sprintf("d%04d", i/perDir))
		must(b, os.MkdirAll(dir, 0o777))
		random.Read(data)
		must(b, os.WriteFile(filepath.Join(dir, fmt.Sprintf("f%05d", i)), data, 0o666))
	}
	return root, int64(files) * int64(size)
}

func BenchmarkSmallFiles(b *testing.B) {
	root, size := generate(b, 20_000, 100, 4096)
	compare(b, root, size, manifest.SHA256, manifest.BLAKE3)
}

func BenchmarkShards(b *testing.B) {
	root, size := generate(b, 32, 32, 32<<20)
	compare(b, root, size, manifest.SHA256, manifest.BLAKE3, manifest.BLAKE2b)
}

func BenchmarkLargeFile(b *testing.B) {
	compare(b, sparse(b, 1<<30), 1<<30, manifest.SHA256, manifest.BLAKE3)
}
