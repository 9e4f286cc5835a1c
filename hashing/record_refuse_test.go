package hashing_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

func bytesOf(from, to int) []byte { return []byte("0123456789")[from:to] }

// Every byte must be there once: whatever is written twice, or missing, or too much, is an error, at the latest of Close.
func TestRangesExactlyOnce(t *testing.T) {
	for _, c := range []hashing.Configuration{
		hashing.Config(),
		hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 3}),
		hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 3, Algorithm: manifest.BLAKE3}),
		hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 1}),
		hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 10}),
	} {
		for name, try := range map[string]struct {
			writes [][2]int
			want   error
		}{
			"whole":               {[][2]int{{0, 10}}, nil},
			"in order":            {[][2]int{{0, 4}, {4, 10}}, nil},
			"backwards":           {[][2]int{{7, 10}, {4, 7}, {1, 4}, {0, 1}}, nil},
			"nothing counts":      {[][2]int{{3, 3}, {0, 10}, {10, 10}, {2, 2}}, nil},
			"nothing":             {nil, hashing.ErrIncomplete},
			"not the end":         {[][2]int{{0, 9}}, hashing.ErrIncomplete},
			"not the beginning":   {[][2]int{{1, 10}}, hashing.ErrIncomplete},
			"a gap":               {[][2]int{{5, 10}, {0, 4}}, hashing.ErrIncomplete},
			"whole twice":         {[][2]int{{0, 10}, {0, 10}}, hashing.ErrRange},
			"the end twice":       {[][2]int{{0, 10}, {9, 10}}, hashing.ErrRange},
			"overlap":             {[][2]int{{0, 5}, {4, 10}}, hashing.ErrRange},
			"overlap, kept":       {[][2]int{{4, 10}, {0, 5}}, hashing.ErrRange},
			"two that are kept":   {[][2]int{{5, 8}, {4, 6}, {8, 10}, {0, 4}}, hashing.ErrRange},
			"the same, kept":      {[][2]int{{5, 10}, {5, 10}, {0, 5}}, hashing.ErrRange},
			"one in another":      {[][2]int{{1, 10}, {2, 3}, {0, 1}}, hashing.ErrRange},
			"instead of the rest": {[][2]int{{0, 5}, {0, 5}}, hashing.ErrRange},
		} {
			r := recorder(t, c)
			w, err := r.CreateAt("f", 10)
			must(t, err)
			for _, at := range try.writes {
				n, werr := w.WriteAt(bytesOf(at[0], at[1]), int64(at[0]))
				if werr == nil && n != at[1]-at[0] {
					t.Errorf("%s: wrote %d bytes of %v", name, n, at)
				}
				err = errors.Join(err, werr)
				if werr != nil && strings.Contains(werr.Error(), "\n") {
					t.Errorf("%s: the error has several lines: %v", name, werr)
				}
			}
			err = errors.Join(err, w.Close())
			report, rerr := r.Close()
			if try.want == nil {
				must(t, errors.Join(err, rerr))
				continue
			}
			var pe *fs.PathError
			if !errors.Is(err, try.want) || !errors.As(err, &pe) || pe.Path != "f" || !errors.Is(rerr, hashing.ErrIncomplete) || report != nil {
				t.Errorf("%s: got %v, and of the recorder %v, want %v", name, err, rerr, try.want)
			}
		}
	}
}

func TestRangesOutside(t *testing.T) {
	for _, at := range [][2]int64{{-1, 1}, {10, 1}, {11, 0}, {1 << 62, 1}, {9, 2}, {-1 << 63, 1}, {0, 11}} {
		w, err := recorder(t, hashing.Config()).CreateAt("f", 10)
		must(t, err)
		if n, err := w.WriteAt(make([]byte, at[1]), at[0]); n != 0 || !errors.Is(err, hashing.ErrRange) {
			t.Errorf("%d bytes at %d: got %d, %v", at[1], at[0], n, err)
		}
		if _, err := w.WriteAt(bytesOf(0, 10), 0); !errors.Is(err, hashing.ErrRange) {
			t.Errorf("after that: got %v", err)
		}
	}
	r := recorder(t, hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 1}).SetMaxResources(5))
	if _, err := r.CreateAt("f", -1); !errors.Is(err, hashing.ErrRange) {
		t.Errorf("negative size: got %v", err)
	}
	w, err := r.CreateAt("f", 3)
	must(t, err)
	for _, size := range []int64{6, 3, 1<<63 - 1, 1 << 62, 3, 6} { // what was refused does not count
		if _, err := r.CreateAt("g", size); !errors.Is(err, hashing.ErrTooMany) {
			t.Errorf("%d shards: got %v", size, err)
		}
	}
	w.Abort()
	_, err = r.CreateAt("g", 5)
	must(t, err)
}

// What is too far ahead is refused with nothing taken, and is welcome later.
func TestOutOfOrder(t *testing.T) {
	r := recorder(t, hashing.Config().SetMaxOutOfOrder(400))
	w, err := r.CreateAt("f", 300)
	must(t, err)
	data := []byte(strings.Repeat("0123456789", 30))
	_, err = w.WriteAt(data[200:300], 200)
	must(t, err)
	for range 3 {
		n, err := w.WriteAt(data[100:200], 100)
		if n != 0 || !errors.Is(err, hashing.ErrOutOfOrder) || !strings.Contains(err.Error(), "f: offset 100") {
			t.Fatalf("got %d, %v", n, err)
		}
	}
	other, err := r.CreateAt("g", 300)
	must(t, err)
	if _, err := other.WriteAt(data[200:], 200); !errors.Is(err, hashing.ErrOutOfOrder) {
		t.Errorf("the limit is not that of the whole recorder: got %v", err)
	}
	_, err = w.WriteAt(data[:100], 0)
	must(t, err)
	_, err = w.WriteAt(data[100:200], 100)
	must(t, err)
	must(t, w.Close())
	// The room is there again, also after what failed.
	for range 5 {
		_, err = other.WriteAt(data[200:], 200)
		must(t, err)
		other.Abort()
		other, err = r.CreateAt("g", 300)
		must(t, err)
	}
	_, err = other.WriteAt(data, 0)
	must(t, err)
	must(t, other.Close())
	m, err := r.Manifest()
	must(t, err)
	equal(t, "resources", lines(m), wants("f", string(data), "g", string(data)))
}

// Shards that come in any order, each from its beginning to its end, need no room, but for the hashes of those that are
// begun. A write that would need one is taken whole or not at all.
func TestShardsInAnyOrder(t *testing.T) {
	for _, none := range []int64{-1, math.MinInt64} {
		testShardsInAnyOrder(t, none)
	}
}

func testShardsInAnyOrder(t *testing.T, none int64) {
	c := hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 100})
	r := recorder(t, c.SetMaxOutOfOrder(none))
	w, err := r.CreateAt("f", 1000)
	must(t, err)
	data := []byte(strings.Repeat("0123456789", 100))
	for i := 9; i >= 0; i-- {
		_, err := w.WriteAt(data[100*i:][:60], int64(100*i))
		must(t, err)
		_, err = w.WriteAt(data[100*i+60:][:40], int64(100*i+60))
		must(t, err)
	}
	must(t, w.Close())
	w, err = r.CreateAt("g", 1000)
	must(t, err)
	_, err = w.WriteAt(data[:50], 0)
	must(t, err)
	for _, at := range [][2]int{{100, 150}, {60, 70}, {100, 350}, {999, 1000}} {
		if n, err := w.WriteAt(data[at[0]:at[1]], int64(at[0])); n != 0 || !errors.Is(err, hashing.ErrOutOfOrder) {
			t.Errorf("%v: got %d, %v", at, n, err)
		}
	}
	_, err = w.WriteAt(data[50:], 50)
	must(t, err)
	must(t, w.Close())
	m, err := r.Manifest()
	must(t, err)
	want, err := c.Hash(write(t, map[string]string{"f": string(data), "g": string(data)}))
	must(t, err)
	equal(t, "resources", lines(m), lines(want))
}

// A file that is given up, or failed, may be tried again; a recording with a file that is not whole is none.
func TestRecordAgain(t *testing.T) {
	refused := errors.New("refused")
	r := recorder(t, hashing.Config())
	var mu sync.Mutex
	seen := map[string]int{}
	r.SetCheck(func(res manifest.Resource) error {
		mu.Lock()
		defer mu.Unlock()
		if seen[res.Path]++; res.Digest.Hex != digest(manifest.SHA256, []byte("good")) {
			return fmt.Errorf("%w: %s", refused, res.Name())
		}
		return nil
	})
	a, err := r.Create("a")
	must(t, err)
	_, err = io.WriteString(a, "goo")
	must(t, err)
	a.Abort()
	a.Abort()
	if _, err := a.Write([]byte("d")); err == nil || a.Close() == nil {
		t.Error("a file that was given up goes on")
	}
	for _, data := range []string{"bad", "evil"} {
		w, err := r.CreateAt("b", int64(len(data)))
		must(t, err)
		if _, err := w.WriteAt([]byte(data), 0); !errors.Is(err, refused) || !errors.Is(w.Close(), refused) {
			t.Errorf("got %v and %v", err, w.Close())
		}
		c, err := r.Create("c")
		must(t, err)
		_, err = io.WriteString(c, data)
		must(t, err)
		if err := c.Close(); !errors.Is(err, refused) || !errors.Is(c.Close(), refused) {
			t.Errorf("got %v", err)
		}
	}
	for _, path := range []string{"a", "b", "c"} {
		w, err := r.Create(path)
		must(t, err)
		_, err = io.WriteString(w, "good")
		must(t, err)
		must(t, w.Close())
		w.Abort()
		if err := w.Close(); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("closed again: got %v", err)
		}
		if _, err := w.Write(nil); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("written after Close: got %v", err)
		}
	}
	m, err := r.Manifest()
	must(t, err)
	equal(t, "resources", lines(m), wants("a", "good", "b", "good", "c", "good"))
	if seen["a"] != 1 || seen["b"] != 3 || seen["c"] != 3 {
		t.Errorf("checked %v", seen)
	}
}

func TestRecordIncomplete(t *testing.T) {
	for name, leave := range map[string]func(r *hashing.Recorder) error{
		"open":    func(r *hashing.Recorder) error { _, err := r.Create("b"); return err },
		"ranges":  func(r *hashing.Recorder) error { _, err := r.CreateAt("b", 0); return err },
		"aborted": func(r *hashing.Recorder) error { w, err := r.Create("b"); w.Abort(); return err },
		"ignored": func(r *hashing.Recorder) error { w, err := r.Create(".git/x"); w.Abort(); return err },
	} {
		r := recorder(t, hashing.Config())
		w, err := r.Create("a")
		must(t, err)
		must(t, w.Close())
		must(t, leave(r))
		report, err := r.Close()
		if report != nil || !errors.Is(err, hashing.ErrIncomplete) {
			t.Errorf("%s: got %+v, %v", name, report, err)
		}
		if _, err := r.Close(); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s, closed again: got %v", name, err)
		}
		if _, err := r.Create("c"); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s, created after Close: got %v", name, err)
		}
	}
	r := recorder(t, hashing.Config())
	w, err := r.Create("a")
	must(t, err)
	at, err := r.CreateAt("b", 1)
	must(t, err)
	if _, err := r.Close(); !errors.Is(err, hashing.ErrIncomplete) {
		t.Errorf("got %v", err)
	}
	for _, err := range []error{w.Close(), at.Close()} {
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("closed after the recorder: got %v", err)
		}
	}
}

func TestRecordEmpty(t *testing.T) {
	for name, c := range map[string]hashing.Configuration{
		"no file": hashing.Config(),
		"ignored": hashing.Config().AddIgnoredPaths("a"),
		"shards":  hashing.Config().UseShardSerialization(hashing.Shards{}),
	} {
		for _, ranges := range []bool{false, true} {
			r := recorder(t, c)
			var w io.Closer
			var err error
			if name == "no file" {
			} else if ranges {
				w, err = r.CreateAt("a", 0)
			} else {
				w, err = r.Create("a")
			}
			must(t, err)
			if w != nil {
				must(t, w.Close())
			}
			if m, err := r.Manifest(); m != nil || !errors.Is(err, hashing.ErrEmptyModel) {
				t.Errorf("%s: got %v, %v", name, m, err)
			}
		}
	}
	r := recorder(t, hashing.Config().SetOnly("a"))
	w, err := r.Create("b")
	must(t, err)
	if !w.Dropped() {
		t.Error("a file that is not listed is hashed")
	}
	must(t, w.Close())
	if _, err := r.Manifest(); err == nil {
		t.Error("a manifest of some files is taken for the model's")
	}
	report, err := r.Close()
	must(t, err)
	equal(t, "unlisted", report.Unlisted, []string{"b"})
}

func TestRecordTooMany(t *testing.T) {
	c := hashing.Config().SetMaxResources(3)
	for name, paths := range map[string][]string{
		"files":       {"a", "b", "c", "d"},
		"directories": {"a/b/c/d"},
		"both":        {"a/b", "a/c", "a/d"},
		"ignored":     {".git/a", ".git/b", ".git/c"},
	} {
		r := recorder(t, c)
		var err error
		for _, p := range paths {
			var w *hashing.FileWriter
			if w, err = r.Create(p); err == nil {
				must(t, w.Close())
			}
		}
		if !errors.Is(err, hashing.ErrTooMany) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	r := recorder(t, c.UseShardSerialization(hashing.Shards{ShardSize: 2}))
	w, err := r.Create("f")
	must(t, err)
	if n, err := io.WriteString(w, "0123456"); n != 6 || !errors.Is(err, hashing.ErrTooMany) {
		t.Errorf("shards: got %d, %v", n, err)
	}
	w, err = r.Create("f")
	must(t, err)
	_, err = io.WriteString(w, "012345")
	must(t, err)
	must(t, w.Close())
	_, err = r.Manifest()
	must(t, err)
}

func TestRecordCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, err := hashing.Config().Record(ctx, "m")
	must(t, err)
	a, err := r.Create("a")
	must(t, err)
	b, err := r.CreateAt("b", 10)
	must(t, err)
	c, err := r.CreateAt("c", 0)
	must(t, err)
	cancel()
	_, err1 := a.Write([]byte("x"))
	_, err2 := b.WriteAt([]byte("x"), 0)
	_, err3 := r.Create("d")
	_, err4 := r.Close()
	_, err5 := hashing.Config().Record(ctx, "m")
	for i, err := range []error{err1, err2, err3, err4, err5, a.Close(), b.Close(), c.Close()} {
		if !errors.Is(err, context.Canceled) && !(i == 7 && errors.Is(err, fs.ErrClosed)) {
			t.Errorf("%d: got %v", i, err)
		}
	}
}
