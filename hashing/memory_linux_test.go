package hashing_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

const memoryModel = "MEMORY_MODEL"

// However large a model is, and however it is hashed, less than 64 MiB are resident with two workers.
func TestMemory(t *testing.T) {
	if model := os.Getenv(memoryModel); model != "" {
		for _, c := range memoryModes() {
			_, err := c.Hash(model)
			must(t, err)
		}
		status, err := os.ReadFile("/proc/self/status")
		must(t, err)
		fmt.Printf("%s\n", status)
		return
	}
	root := t.TempDir()
	for i, size := range sizesOf(map[int]int{48 << 20: 2, 6 << 20: 40, 1 << 20: 40, 4 << 10: 1000}) {
		p := filepath.Join(root, fmt.Sprint(i))
		must(t, os.WriteFile(p, nil, 0o666))
		must(t, os.Truncate(p, int64(size)))
	}
	c := exec.Command(os.Args[0], "-test.run", "^TestMemory$")
	c.Env = append(os.Environ(), memoryModel+"="+root)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	peak := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(out)
	if peak == nil {
		t.Skip("the system does not tell")
	}
	kib, err := strconv.Atoi(string(peak[1]))
	must(t, err)
	t.Logf("%d MiB", kib>>10)
	if kib >= 64<<10 && !raceEnabled {
		t.Errorf("%d MiB were resident", kib>>10)
	}
}

func sizesOf(files map[int]int) (list []int) {
	for size, n := range files {
		for range n {
			list = append(list, size)
		}
	}
	return list
}

func memoryModes() (list []hashing.Configuration) {
	for _, chunk := range []int{0, 1 << 20} {
		for _, a := range []manifest.Algorithm{manifest.SHA256, manifest.BLAKE3} {
			c := hashing.Config().UseFileSerialization(hashing.Files{Algorithm: a, ChunkSize: chunk, MaxWorkers: 2})
			list = append(list, c, c.SetMapped(true),
				c.UseShardSerialization(hashing.Shards{Algorithm: a, ShardSize: 5 << 20}).SetMapped(true))
		}
	}
	return list
}
