//go:build unix

package manifest_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/manifest"
)

// The numbers of docs/distributed.md: what each step of one model on 8 machines takes, for as many units.
//
//	go test -run '^$' -bench Units -benchtime 3x ./manifest
func BenchmarkUnits(b *testing.B) {
	const slices = 8
	for _, n := range []int{250_000, 1_000_000} {
		files := planOf(byFile, slices, randomSizes(n, 64<<20)...)
		name := fmt.Sprintf("files=%d", n)
		benchmarkUnits(b, name, files)
		shards := byShards
		shards.ShardSize = 16 << 20
		benchmarkUnits(b, fmt.Sprintf("shards=%d", n), planOf(shards, slices, int64(n)/2*shards.ShardSize, int64(n)/2*shards.ShardSize))
	}
}

// processorTime is what the process has used. Unlike the time of a clock it says something on a busy machine.
func processorTime() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func benchmarkUnits(b *testing.B, name string, p *manifest.Plan) {
	data := encoded(b, p)
	list := make([]*manifest.Partial, p.Slices)
	docs := make([][]byte, p.Slices)
	for i := range list {
		list[i] = part(p, i)
		docs[i] = encoded(b, list[i])
	}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"write-plan", func() error { _, err := p.MarshalJSON(); return err }},
		{"read-plan", func() error { _, err := manifest.ParsePlan(data); return err }},
		{"assign", func() error { p.Slice(0); return nil }},
		{"read-parts", func() error {
			for _, doc := range docs {
				if _, err := manifest.ParsePartial(doc); err != nil {
					return err
				}
			}
			return nil
		}},
		{"merge", func() error { _, err := manifest.Merge(list...); return err }},
	} {
		b.Run(name+"/"+step.name, func(b *testing.B) {
			b.ReportAllocs()
			before := processorTime()
			for b.Loop() {
				if err := step.do(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((processorTime()-before).Milliseconds())/float64(b.N), "cpu-ms/op")
		})
	}
}
