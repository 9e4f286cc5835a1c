package hashing_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// A model may have as many bytes as are allowed, in every way of hashing it, and not one more.
func TestMaxBytes(t *testing.T) {
	large := strings.Repeat("x", 300<<10)
	root := write(t, map[string]string{"a": "12345", "b/large": large, "b/small": "67", "c/empty": "", ".git/config": large})
	const all = 5 + 300<<10 + 2
	cache, err := hashing.OpenCache(filepath.Join(t.TempDir(), "cache"))
	must(t, err)
	cache.SetAge(0)
	m, err := hashing.Config().SetCache(cache).Hash(root)
	must(t, err)
	if cache.Len() == 0 {
		t.Error("the cache is empty")
	}
	hash := func(c hashing.Configuration) error {
		_, err := c.Hash(root)
		return err
	}
	plan, err := hashing.Config().Plan(background, root, 4)
	must(t, err)
	part := func(c hashing.Configuration) error {
		_, err := c.Slice(0, 4).Part(background, root)
		return err
	}
	for name, c := range map[string]struct {
		config hashing.Configuration
		hash   func(hashing.Configuration) error
	}{
		"files":    {hashing.Config(), hash},
		"links":    {hashing.Config().SetAllowSymlinks(true), hash},
		"shards":   {hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 1000}), hash},
		"progress": {hashing.Config().SetProgress(func(hashing.Progress) {}), hash},
		"cached":   {hashing.Config().SetCache(cache), hash},
		"recheck": {hashing.Config(), func(c hashing.Configuration) error {
			_, err := c.Recheck(background, root, m, 0.01)
			return err
		}},
		"file system": {hashing.Config(), func(c hashing.Configuration) error {
			_, err := c.HashFS(background, os.DirFS(root), "model")
			return err
		}},
		"plan": {hashing.Config(), func(c hashing.Configuration) error {
			_, err := c.Plan(background, root, 4)
			return err
		}},
		"slice":         {hashing.Config(), part},
		"planned slice": {hashing.Config().SetPlan(plan), part},
		"tree": {hashing.Config(), func(c hashing.Configuration) error {
			tree, err := c.OpenTree(background, root)
			if err != nil {
				return err
			}
			return tree.Close()
		}},
		"copy": {hashing.Config().SetCopy(func(string) (io.WriteCloser, error) { return nopCloser{io.Discard}, nil }), hash},
		"recorder": {hashing.Config(), func(c hashing.Configuration) error {
			r := recorder(t, c)
			for path, content := range map[string]string{"a": "12345", "b/large": large, "b/small": "67", "c/empty": "", ".git/x": large} {
				w, err := r.Create(path)
				must(t, err)
				if _, err := w.Write([]byte(content)); err != nil {
					return err
				}
				must(t, w.Close())
			}
			_, err := r.Manifest()
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for n, ok := range map[int64]bool{math.MinInt64: false, -1: false, 0: true, all: true, math.MaxInt64: true, all - 1: false, 1: false} {
				err := c.hash(c.config.SetMaxBytes(n))
				var pe *fs.PathError
				if ok && err != nil || !ok && (!errors.Is(err, hashing.ErrTooLarge) || !errors.As(err, &pe)) {
					t.Errorf("%d of %d allowed: got %v", n, all, err)
				}
			}
		})
	}
}

// What SetOnly leaves out does not count, and a link counts as what it leads to.
func TestMaxBytesLinks(t *testing.T) {
	root := write(t, map[string]string{"a": "12345", "l": "-> a"})
	c := hashing.Config().SetAllowSymlinks(true)
	for n, want := range map[int64]error{10: nil, 9: hashing.ErrTooLarge} {
		if _, err := c.SetMaxBytes(n).Hash(root); !errors.Is(err, want) {
			t.Errorf("%d allowed: got %v, want %v", n, err, want)
		}
	}
	for n, want := range map[int64]error{5: nil, 4: hashing.ErrTooLarge} {
		if _, err := c.SetOnly("l").SetMaxBytes(n).Report(background, root); !errors.Is(err, want) {
			t.Errorf("%d of one allowed: got %v, want %v", n, err, want)
		}
	}
}

// What is only holes, and would take years to read, is refused at once, and by its name.
func TestMaxBytesSparse(t *testing.T) {
	root := write(t, map[string]string{"a": "x", "d/sparse": "", "d/z": "y"})
	p := filepath.Join(root, "d", "sparse")
	if err := os.Truncate(p, 1<<42); err != nil {
		t.Skip("no sparse files here: ", err)
	}
	for _, c := range []hashing.Configuration{
		hashing.Config(),
		hashing.Config().SetMapped(true),
		hashing.Config().UseFileSerialization(hashing.Files{Algorithm: manifest.BLAKE3}),
		hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 1 << 20}), // a list of 4 million
		hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 1}),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		_, err := c.SetMaxBytes(1<<30).HashContext(ctx, root)
		cancel()
		runtime.ReadMemStats(&after)
		var pe *fs.PathError
		if !errors.Is(err, hashing.ErrTooLarge) || !errors.As(err, &pe) || pe.Path != p {
			t.Errorf("got %v, want that %s is too large", err, p)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20 {
			t.Errorf("%d bytes were allocated", n)
		}
	}
}

// What a recorder was promised counts as what it was given, until the file fails or is given up.
func TestRecordTooLarge(t *testing.T) {
	r := recorder(t, hashing.Config().SetMaxBytes(10).SetMaxResources(3))
	w, err := r.CreateAt("a", 6)
	must(t, err)
	for _, size := range []int64{5, math.MaxInt64, 5, 5} {
		if _, err := r.CreateAt("b", size); !errors.Is(err, hashing.ErrTooLarge) {
			t.Errorf("6 of 10 bytes are taken, and %d more: got %v", size, err)
		}
	}
	b, err := r.Create("b")
	must(t, err)
	_, err = b.Write([]byte("1234"))
	must(t, err)
	if n, err := b.Write([]byte("5")); n != 0 || !errors.Is(err, hashing.ErrTooLarge) {
		t.Errorf("got %d, %v", n, err)
	}
	if err := b.Close(); !errors.Is(err, hashing.ErrTooLarge) {
		t.Errorf("closing what failed: got %v", err)
	}
	w.Abort() // and once more without bytes
	w, err = r.CreateAt("a", 0)
	must(t, err)
	must(t, w.Close())
	b, err = r.Create("b")
	must(t, err)
	_, err = b.Write([]byte("0123456789"))
	must(t, err)
	must(t, b.Close())
	m, err := r.Manifest()
	must(t, err)
	equal(t, "resources", lines(m), wants("a", "", "b", "0123456789"))
}
