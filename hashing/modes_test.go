package hashing_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// mixture makes a model in which every way to hash a file has its turn: small ones of all sizes, many of one size, a
// few of others, and one that is larger than all of them together.
func mixture(t *testing.T) (root string, content map[string][]byte) {
	root, content = t.TempDir(), map[string][]byte{}
	random := rand.NewChaCha8([32]byte{1})
	add := func(name string, size int) {
		data := make([]byte, size)
		random.Read(data)
		content[name] = data
		p := filepath.Join(root, filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(p), 0o777))
		must(t, os.WriteFile(p, data, 0o666))
	}
	for i := range 140 {
		add(fmt.Sprintf("small/%03d", i), i*i*6)
	}
	for i := range 10 {
		add(fmt.Sprintf("equal/%d", i), 500_001)
	}
	for i := range 5 {
		add(fmt.Sprintf("some/%d", i), 128<<10+i*90_000)
	}
	add("large", 17<<20+5)
	return root, content
}

// Neither how bytes get into memory nor how many are hashed at once changes a digest.
func TestEveryMode(t *testing.T) {
	root, content := mixture(t)
	algorithms := []manifest.Algorithm{manifest.SHA256, manifest.BLAKE3, manifest.BLAKE2b}
	if testing.Short() {
		algorithms = algorithms[:1]
	}
	for _, a := range algorithms {
		for _, shard := range []int64{0, 1_000_000, 30_001} {
			c := hashing.Config().UseFileSerialization(hashing.Files{Algorithm: a})
			if shard > 0 {
				c = c.UseShardSerialization(hashing.Shards{Algorithm: a, ShardSize: shard})
			}
			want := map[string]string{}
			for name, data := range content {
				for r, sum := range sums(a, name, data, int(shard)) {
					want[r] = sum
				}
			}
			for _, workers := range []int{1, 2, 5} {
				for _, mapped := range []bool{false, true} {
					m, err := c.SetMaxWorkers(workers).SetMapped(mapped).Hash(root)
					must(t, err)
					if len(m.Resources) != len(want) {
						t.Fatalf("got %d resources, want %d", len(m.Resources), len(want))
					}
					for _, r := range m.Resources {
						if r.Digest.Hex != want[r.Name()] {
							t.Errorf("%s of %s with %d workers, mapped %v: got %s, want %s", a, r.Name(), workers, mapped, r.Digest.Hex, want[r.Name()])
						}
					}
				}
			}
		}
	}
}

// sums returns the digests of a file by the names of its resources.
func sums(a manifest.Algorithm, name string, data []byte, shard int) map[string]string {
	if shard == 0 {
		return map[string]string{name: digest(a, data)}
	}
	all := map[string]string{}
	for start := 0; start < len(data); start += shard {
		end := min(start+shard, len(data))
		all[fmt.Sprintf("%s:%d:%d", name, start, end)] = digest(a, data[start:end])
	}
	return all
}

// The kernels of other machines are the same test in a process that may not use some of this one's features. Without sha it
// is crypto/sha256 alone that lacks them.
func TestEveryModeOnOtherMachines(t *testing.T) {
	const only = "^TestEveryMode$"
	for _, masked := range []string{
		"cpu.avx512f=off", "cpu.avx512f=off,cpu.ssse3=off", "cpu.sha=off", "cpu.all=off", "fips140=on",
	} {
		t.Run(masked, func(t *testing.T) {
			t.Parallel()
			c := exec.Command(os.Args[0], "-test.run", only, "-test.short")
			c.Env = append(os.Environ(), "GODEBUG="+masked)
			out, err := c.CombinedOutput()
			if bytes.Contains(out, []byte("incompatible with the purego build tag")) {
				t.Skip("this program can't be in FIPS mode")
			}
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
