package verifying_test

import (
	"crypto/elliptic"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"math"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/blake2b"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/verifying"
)

// BenchmarkReceive verifies a file while its bytes pass, and hashes the same bytes with nothing around it. What it
// reports besides is the ratio of the two times.
func BenchmarkReceive(b *testing.B) {
	const size, block, shard = 32 << 20, 64 << 10, 4 << 20
	data := make([]byte, block)
	for i := range data {
		data[i] = byte(i * i >> 5)
	}
	for _, m := range []struct {
		algorithm manifest.Algorithm
		new       func() hash.Hash
	}{
		{manifest.SHA256, sha256.New},
		{manifest.BLAKE2b, func() hash.Hash { h, _ := blake2b.New512(nil); return h }},
	} {
		files := hashing.Config().UseFileSerialization(hashing.Files{Algorithm: m.algorithm})
		shards := hashing.Config().UseShardSerialization(hashing.Shards{Algorithm: m.algorithm, ShardSize: shard})
		alone := func() {
			h := m.new()
			for range size / block {
				h.Write(data)
			}
			h.Sum(nil)
		}
		b.Run(string(m.algorithm)+"/files", func(b *testing.B) {
			ratio(b, size, alone, streamed(b, files, size, block, func(r *verifying.Receiver) error {
				return inOrder(r, data, size)
			}))
		})
		b.Run(string(m.algorithm)+"/shards", func(b *testing.B) {
			ratio(b, size, alone, streamed(b, shards, size, block, func(r *verifying.Receiver) error {
				return inOrder(r, data, size)
			}))
		})
		b.Run(string(m.algorithm)+"/shards/ranges", func(b *testing.B) {
			two := func() {
				var wg sync.WaitGroup
				for range 2 {
					wg.Go(func() {
						h := m.new()
						for range size / block / 2 {
							h.Write(data)
						}
						h.Sum(nil)
					})
				}
				wg.Wait()
			}
			ratio(b, size, two, streamed(b, shards, size, block, func(r *verifying.Receiver) error {
				return byTwo(r, data, size, shard)
			}))
		})
	}
}

// streamed returns what receives a file of so many blocks, which is signed.
func streamed(b *testing.B, h hashing.Configuration, size, block int, put func(r *verifying.Receiver) error) func() {
	rec := must(h.Record(b.Context(), "m"))
	w := must(rec.Create("weights.bin"))
	data := make([]byte, block)
	for i := range data {
		data[i] = byte(i * i >> 5)
	}
	for range size / block {
		must(w.Write(data))
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	key := newKey(b, elliptic.P256())
	signed := sign(b, key, must(bundle.MarshalStatement(must(rec.Manifest()))))
	c := verifier(key)
	return func() {
		r := must(c.Receive(b.Context(), signed))
		if err := put(r); err != nil {
			b.Fatal(err)
		}
		must(r.Close())
	}
}

func inOrder(r *verifying.Receiver, data []byte, size int) error {
	w := must(r.Create("weights.bin"))
	for range size / len(data) {
		if _, err := w.Write(data); err != nil {
			return err
		}
	}
	return w.Close()
}

// byTwo has two goroutines write a half each.
func byTwo(r *verifying.Receiver, data []byte, size, shard int) error {
	w := must(r.CreateAt("weights.bin", int64(size)))
	var wg sync.WaitGroup
	for half := range 2 {
		wg.Go(func() {
			for off := half * size / 2; off < (half+1)*size/2; off += len(data) {
				must(w.WriteAt(data, int64(off)))
			}
		})
	}
	wg.Wait()
	return w.Close()
}

// ratio runs both in turn, and compares the time that processors spend on them, the least of each: what else the
// machine does should not count.
func ratio(b *testing.B, size int64, alone, receive func()) {
	a, r := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
	for b.Loop() {
		start := used()
		alone()
		a = min(a, used()-start)
		start = used()
		receive()
		r = min(r, used()-start)
	}
	b.ReportMetric(0, "ns/op") // of both together, which says nothing
	b.ReportMetric(float64(size)/r.Seconds()/1e6, "MB/s")
	b.ReportMetric(r.Seconds()/a.Seconds(), "ratio")
}

// BenchmarkReceiveSmall is BenchmarkReceive with many small files, where there is more to do than to hash.
func BenchmarkReceiveSmall(b *testing.B) {
	const files, size = 20_000, 4096
	data := make([]byte, size)
	rec := must(hashing.Config().Record(b.Context(), "m"))
	put := func(create func(path string) (io.WriteCloser, error)) {
		for i := range files {
			w := must(create(fmt.Sprintf("d%03d/f%05d", i/100, i)))
			must(w.Write(data))
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		}
	}
	put(func(path string) (io.WriteCloser, error) { return rec.Create(path) })
	key := newKey(b, elliptic.P256())
	signed := sign(b, key, must(bundle.MarshalStatement(must(rec.Manifest()))))
	ratio(b, files*size, func() {
		for range files {
			sha256.Sum256(data)
		}
	}, func() {
		r := must(verifier(key).Receive(b.Context(), signed))
		put(func(path string) (io.WriteCloser, error) { return r.Create(path) })
		must(r.Close())
	})
}
