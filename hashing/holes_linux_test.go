package hashing_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// holes returns a model, on tmpfs, of a file that has nothing but holes.
func holes(t *testing.T, size int64) (root, name string) {
	t.Helper()
	var fs unix.Statfs_t
	if err := unix.Statfs("/dev/shm", &fs); err != nil || fs.Type != unix.TMPFS_MAGIC {
		t.Skip("there is no tmpfs at /dev/shm, where files may be as large as any")
	}
	root, err := os.MkdirTemp("/dev/shm", "holes")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(root) })
	name = filepath.Join(root, "a")
	must(t, os.WriteFile(name, nil, 0o666))
	must(t, os.Truncate(name, size))
	return root, name
}

// A file of a petabyte of holes takes time to hash, but no more memory than others.
func TestPetabyteOfHoles(t *testing.T) {
	dir, _ := holes(t, 1<<50)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := hashing.Config().UseFileSerialization(hashing.Files{Algorithm: manifest.BLAKE3}).HashContext(ctx, dir)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("took %d MiB: %v", took>>20, err)
	}
}

// Holes of tmpfs, which cost nothing to make, stay holes.
func TestHolesOfTmpfs(t *testing.T) {
	root, name := holes(t, 4<<20)
	_, err := hashing.Config().SetMapped(true).Hash(root)
	must(t, err)
	var st unix.Stat_t
	must(t, unix.Stat(name, &st))
	if st.Blocks > 0 {
		t.Errorf("%d blocks were allocated", st.Blocks)
	}
}

// Half of the largest file that there can be, and a shard as long.
func TestShardOfExabytes(t *testing.T) {
	const shard = 1 << 62
	root, _ := holes(t, shard+5)
	for _, a := range []manifest.Algorithm{manifest.SHA256, manifest.BLAKE2b, manifest.BLAKE3} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		c := hashing.Config().UseShardSerialization(hashing.Shards{Algorithm: a, ShardSize: shard})
		if _, err := c.SetMaxWorkers(2).HashContext(ctx, root); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got %v, want years of hashing", a, err)
		}
		cancel()
	}
}
