package hashing_test

import (
	"errors"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// Whatever ranges are written, a file is whole if and only if each of its bytes was taken once, and then it has the
// digests of its bytes.
func FuzzRanges(f *testing.F) {
	f.Add([]byte{0, 20, 20, 40}, uint8(0), uint16(1000), uint8(0))
	f.Add([]byte{20, 40, 0, 20}, uint8(7), uint16(0), uint8(1))
	f.Add([]byte{5, 8, 4, 6, 8, 40, 0, 4}, uint8(1), uint16(300), uint8(2))
	const size = 40
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i*31 + 7)
	}
	f.Fuzz(func(t *testing.T, writes []byte, shard uint8, room uint16, algorithm uint8) {
		a := []manifest.Algorithm{manifest.SHA256, manifest.BLAKE2b, manifest.BLAKE3}[algorithm%3]
		c := hashing.Config().UseFileSerialization(hashing.Files{Algorithm: a})
		if shard > 0 {
			c = c.UseShardSerialization(hashing.Shards{Algorithm: a, ShardSize: int64(shard)})
		}
		r := recorder(t, c.SetMaxOutOfOrder(int64(room)-1))
		w, err := r.CreateAt("f", size)
		must(t, err)
		var taken [size]int
		wrong := false
		for i := 0; i+1 < len(writes); i += 2 {
			from, to := int(writes[i]%(size+1)), int(writes[i+1]%(size+1))
			if to < from {
				continue
			}
			n, err := w.WriteAt(data[from:to], int64(from))
			switch {
			case errors.Is(err, hashing.ErrOutOfOrder):
				if n != 0 {
					t.Errorf("took %d bytes that are too far ahead", n)
				}
				continue
			case err == nil && n != to-from:
				t.Errorf("took %d of %d bytes", n, to-from)
			}
			for j := from; j < to; j++ {
				taken[j]++
				wrong = wrong || taken[j] > 1
			}
			if err != nil && !wrong {
				t.Errorf("wrote %d to %d: got %v", from, to, err)
			}
		}
		for _, n := range taken {
			wrong = wrong || n != 1
		}
		if err := w.Close(); (err != nil) != wrong {
			t.Errorf("taken %v: got %v", taken, err)
		}
		report, err := r.Close()
		if wrong {
			if !errors.Is(err, hashing.ErrIncomplete) {
				t.Errorf("got %v", err)
			}
			return
		}
		must(t, err)
		must(t, report.Manifest.Validate())
		for _, res := range report.Manifest.Resources {
			end := res.End
			if shard == 0 {
				end = size
			}
			if res.Digest.Hex != digest(a, data[res.Start:end]) {
				t.Errorf("%s has another digest", res.Name())
			}
		}
	})
}
