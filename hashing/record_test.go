package hashing_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// serializations are those that every way of recording is tried with.
func serializations() (list []hashing.Configuration) {
	for _, a := range []manifest.Algorithm{manifest.SHA256, manifest.BLAKE2b, manifest.BLAKE3} {
		list = append(list, hashing.Config().UseFileSerialization(hashing.Files{Algorithm: a}))
		for _, size := range []int64{1, 7, 1000, 40_000, 1 << 40} {
			list = append(list, hashing.Config().UseShardSerialization(hashing.Shards{Algorithm: a, ShardSize: size}))
		}
	}
	return list
}

// randomFiles makes the files of a model. Those of small shards stay small.
func randomFiles(r *rand.Rand, shard int64) map[string]string {
	most := int64(150_000)
	if shard > 0 {
		most = min(most, 200*shard)
	}
	files := map[string]string{"none": "", ".gitattributes": "x", ".git/objects/x": "y", ".git/z": "", "skip/me/x": "1", "d/.git/y": "2"}
	for i := range 8 {
		data := make([]byte, r.Int64N(most))
		rand.NewChaCha8([32]byte{byte(r.Uint32()), byte(i)}).Read(data)
		files[fmt.Sprintf("%s/f%d", strings.Repeat("d/", r.IntN(3))+"e", i)] = string(data)
	}
	return files
}

// span is a range of a file that is still to be written.
type span struct {
	w        *hashing.RangeWriter
	data     string
	from, to int
}

// cut cuts each file into ranges, in any order.
func cut(r *rand.Rand, w *hashing.RangeWriter, data string) (list []span) {
	for at := 0; at < len(data); {
		n := min(1+r.IntN(1+r.IntN(len(data))), len(data)-at)
		list = append(list, span{w, data, at, at + n})
		at += n
	}
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// put writes ranges from several goroutines, and comes back to those that were too far ahead.
func put(t *testing.T, list []span, workers int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	next := func() (s span, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		if len(list) == 0 {
			return s, false
		}
		s, list = list[0], list[1:]
		return s, true
	}
	for range workers {
		wg.Go(func() {
			for s, ok := next(); ok; s, ok = next() {
				n, err := s.w.WriteAt([]byte(s.data[s.from:s.to]), int64(s.from))
				switch {
				case errors.Is(err, hashing.ErrOutOfOrder) && n == 0:
					mu.Lock()
					list = append(list, s)
					mu.Unlock()
				case err != nil || n != s.to-s.from:
					t.Errorf("got %d, %v", n, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// record passes files by, half of them in one go and half of them in ranges.
func record(t *testing.T, r *rand.Rand, c hashing.Configuration, files map[string]string) (*hashing.Report, error) {
	rec, err := c.Record(t.Context(), "model")
	must(t, err)
	var ranges []span
	var open []io.Closer
	var wg sync.WaitGroup
	for path, data := range files {
		if r.IntN(2) == 0 {
			w, err := rec.CreateAt(path, int64(len(data)))
			must(t, err)
			ranges, open = append(ranges, cut(r, w, data)...), append(open, w)
			continue
		}
		w, err := rec.Create(path)
		must(t, err)
		step := 1 + r.IntN(1+r.IntN(100_000))
		wg.Go(func() {
			for rest := data; len(rest) > 0; rest = rest[min(step, len(rest)):] {
				if n, err := io.WriteString(w, rest[:min(step, len(rest))]); err != nil || n != min(step, len(rest)) {
					t.Errorf("%s: got %d, %v", path, n, err)
				}
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	r.Shuffle(len(ranges), func(i, j int) { ranges[i], ranges[j] = ranges[j], ranges[i] })
	put(t, ranges, 1+r.IntN(8))
	for _, w := range open {
		must(t, w.Close())
	}
	wg.Wait()
	return rec.Close()
}

// Whatever the order in which bytes come, the manifest is that of a directory with the same files.
func TestRecordIsHash(t *testing.T) {
	for i, c := range serializations() {
		for seed := range uint64(2) {
			r := rand.New(rand.NewPCG(uint64(i), seed))
			c := c.AddIgnoredPaths("skip/me").SetMaxOutOfOrder(int64(r.IntN(3)) * 300_000)
			empty, err := recorder(t, c).Close()
			must(t, err)
			files := randomFiles(r, empty.Manifest.Serialization.ShardSize)
			want, err := c.Report(context.Background(), write(t, files))
			must(t, err)
			got, err := record(t, r, c, files)
			must(t, err)
			s := got.Manifest.Serialization
			what := fmt.Sprintf("%s %s %d, seed %d", s.Method, s.Algorithm, s.ShardSize, seed)
			if !slices.Equal(got.Manifest.Resources, want.Manifest.Resources) || got.Manifest.Root() != want.Manifest.Root() {
				t.Fatalf("%s: got another manifest", what)
			}
			equal(t, what+": ignored", got.Ignored, []string{".git/", ".gitattributes", "skip/me/"})
			equal(t, what+": empty", got.Empty, want.Empty)
			equal(t, what+": recorded", s.IgnorePaths, want.Manifest.Serialization.IgnorePaths)
			if got.Manifest.Name != want.Manifest.Name {
				t.Errorf("%s: name is %q", what, got.Manifest.Name)
			}
		}
	}
}

func recorder(t *testing.T, c hashing.Configuration) *hashing.Recorder {
	t.Helper()
	r, err := c.Record(t.Context(), "m")
	must(t, err)
	return r
}

func TestRecordNames(t *testing.T) {
	r := recorder(t, hashing.Config())
	for _, path := range []string{"", ".", "..", "../x", "a/../b", "/abs", "a//b", "a/", "a\x00b", "\xff", "./a",
		strings.Repeat("x", 9<<10), strings.Repeat("d/", 1001) + "f"} {
		_, err := r.Create(path)
		_, err2 := r.CreateAt(path, 1)
		var pe *fs.PathError
		if !errors.Is(err, hashing.ErrName) || !errors.Is(err2, hashing.ErrName) || !errors.As(err, &pe) || len(err.Error()) > 500 {
			t.Errorf("%.20q: got %v and %v", path, err, err2)
		}
	}
	w, err := r.Create("a/b")
	must(t, err)
	for _, path := range []string{"a/b", "a", "a/b/c"} {
		if _, err := r.Create(path); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s while a/b is open: got %v", path, err)
		}
	}
	must(t, w.Close())
	for _, path := range []string{"a/b", "a", "a/b/c/d"} {
		if _, err := r.CreateAt(path, 1); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s when a/b is there: got %v", path, err)
		}
	}
	// Case, and the forms of Unicode, make other names.
	for _, path := range []string{"A/b", "a/B", "a-b", "e\u0301", "\u00e9", "a/\n"} {
		w, err := r.Create(path)
		must(t, err)
		must(t, w.Close())
	}
	m, err := r.Manifest()
	must(t, err)
	must(t, m.Validate())
	if len(m.Resources) != 7 {
		t.Errorf("got %s", lines(m))
	}
}
