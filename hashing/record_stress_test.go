package hashing_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// heap returns how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A gigabyte that passes by leaves nothing behind, however it is written.
func TestRecordMemory(t *testing.T) {
	size := int64(1 << 30)
	if raceEnabled || testing.Short() {
		size = 64 << 20
	}
	block := make([]byte, 1<<20)
	for _, c := range []hashing.Configuration{
		hashing.Config(),
		hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 10_000_000, Algorithm: manifest.BLAKE3}),
	} {
		before, most := heap(), int64(0)
		r := recorder(t, c)
		all, err := r.Create("all")
		must(t, err)
		parts, err := r.CreateAt("parts", size)
		must(t, err)
		for off := int64(0); off < size; off += int64(len(block)) {
			_, err := all.Write(block)
			must(t, err)
			// Two by two, the second first.
			_, err = parts.WriteAt(block, off^1<<20)
			must(t, err)
			if off%(size/16) == 0 {
				most = max(most, heap()-before)
			}
		}
		must(t, errors.Join(all.Close(), parts.Close()))
		m, err := r.Manifest()
		must(t, err)
		t.Logf("%d KiB", most>>10)
		if n := len(m.Resources) / 2; m.Resources[0].Digest != m.Resources[n].Digest || most > 8<<20 {
			t.Errorf("%d KiB were kept, or the two files differ", most>>10)
		}
	}
}

// A stranger who writes single bytes, far apart, has no more memory kept than the limit, nor time taken.
func TestRecordHostileRanges(t *testing.T) {
	limit, writes := int64(4<<20), int64(200_000)
	if raceEnabled {
		limit, writes = limit/20, writes/20
	}
	for name, c := range map[string]hashing.Configuration{
		"one file": hashing.Config(),
		"shards":   hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 1000}),
		"trees":    hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 1000, Algorithm: manifest.BLAKE3}),
	} {
		for _, first := range []int64{0, 1} { // of each shard its first byte, or another
			before := heap()
			r := recorder(t, c.SetMaxOutOfOrder(limit))
			w, err := r.CreateAt("f", 1<<31)
			must(t, err)
			refused := 0
			for i := range writes {
				_, err := w.WriteAt([]byte{1}, (i*7919%writes)*1000+first)
				if err != nil && !errors.Is(err, hashing.ErrOutOfOrder) {
					t.Fatal(err)
				}
				if err != nil {
					refused++
				}
			}
			kept := heap() - before
			t.Logf("%s: %d KiB, %d refused", name, kept>>10, refused)
			if kept > limit+limit/2+1<<20 || refused == 0 {
				t.Errorf("%s: %d KiB are kept, %d writes refused", name, kept>>10, refused)
			}
			w.Abort()
			runtime.KeepAlive(r)
		}
	}
}

// Whatever happens at the same time, nothing panics, nothing hangs, no goroutine is left, and all room is given back.
func TestRecordChaos(t *testing.T) {
	goroutines := runtime.NumGoroutine()
	data := make([]byte, 50_000)
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		c := hashing.Config().SetMaxOutOfOrder(20_000)
		if seed%2 == 0 {
			c = c.UseShardSerialization(hashing.Shards{ShardSize: 3000})
		}
		ctx, cancel := context.WithCancel(t.Context())
		r, err := c.Record(ctx, "m")
		must(t, err)
		refused := errors.New("refused")
		if seed%3 == 0 {
			r.SetCheck(func(res manifest.Resource) error {
				if res.Start == 9000 {
					return refused
				}
				return nil
			})
		}
		w, err := r.CreateAt("f", int64(len(data)))
		must(t, err)
		s, err := r.Create("s")
		must(t, err)
		var wg sync.WaitGroup
		list := cut(random, w, string(data))
		for _, what := range random.Perm(8) {
			wg.Go(func() {
				switch what {
				case 0:
					for range 20 {
						s.Write(data[:1000])
					}
				case 1:
					if seed%5 == 0 {
						w.Abort()
					}
				case 2:
					if seed%7 == 0 {
						cancel()
					}
				case 3:
					if seed%11 == 0 {
						r.Close()
					}
				case 4:
					if seed%4 == 0 {
						w.Close()
					}
				default:
					for _, p := range list {
						p.w.WriteAt(data[p.from:p.to], int64(p.from))
					}
				}
			})
		}
		wg.Wait()
		w.Abort()
		s.Abort()
		if ctx.Err() == nil && seed%11 != 0 {
			again, err := r.CreateAt("g", int64(len(data)))
			must(t, err)
			if _, err := again.WriteAt(data[:19_000], 19_000); err != nil {
				t.Errorf("seed %d: room is lost: %v", seed, err)
			}
			again.Abort()
		}
		cancel()
	}
	wantGoroutines(t, goroutines)
}

// Goroutines that take the ranges of one file in turn never get too far ahead, even if there is little room: those that
// are ahead wait for the one that is hashing.
func TestRecordTurns(t *testing.T) {
	const block = 64 << 10
	data := make([]byte, 200*block)
	for i := range data {
		data[i] = byte(i * i >> 9)
	}
	r := recorder(t, hashing.Config().SetMaxOutOfOrder(5*block))
	w, err := r.CreateAt("f", int64(len(data)))
	must(t, err)
	var mu sync.Mutex
	next := 0
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				mu.Lock()
				at := next
				next += block
				mu.Unlock()
				if at >= len(data) {
					return
				}
				// The one before may not have begun: then this one comes back.
				for {
					_, err := w.WriteAt(data[at:at+block], int64(at))
					if err == nil {
						break
					}
					if !errors.Is(err, hashing.ErrOutOfOrder) {
						t.Error(err)
						return
					}
					runtime.Gosched()
				}
			}
		})
	}
	wg.Wait()
	must(t, w.Close())
	m, err := r.Manifest()
	must(t, err)
	equal(t, "resources", lines(m), wants("f", string(data)))
}

func TestRecordProgress(t *testing.T) {
	var last hashing.Progress
	seen := map[string]bool{}
	r := recorder(t, hashing.Config().SetProgress(func(p hashing.Progress) {
		if p.Total != -1 || p.Done < last.Done {
			t.Errorf("got %+v after %+v", p, last)
		}
		last, seen[p.Path] = p, true
	}))
	for i := range 3 {
		w, err := r.Create(fmt.Sprint(i))
		must(t, err)
		_, err = io.WriteString(w, "0123456789"[:5*i])
		must(t, err)
		must(t, w.Close())
		at, err := r.CreateAt(fmt.Sprint("at", i), int64(5*i))
		must(t, err)
		_, err = at.WriteAt(bytesOf(0, 5*i), 0)
		must(t, err)
		must(t, at.Close())
	}
	if last.Done != 30 || len(seen) != 6 {
		t.Errorf("ended with %+v, having seen %v", last, seen)
	}
}
