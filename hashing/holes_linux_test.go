package hashing_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// A file of a petabyte of holes takes time to hash, but no more memory than others.
func TestPetabyteOfHoles(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "holes")
	if err != nil {
		t.Skip("no file system in memory:", err)
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "a")
	must(t, os.WriteFile(name, nil, 0o666))
	if err := os.Truncate(name, 1<<50); err != nil {
		t.Skip("no files as large as that:", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = hashing.Config().UseFileSerialization(hashing.Files{Algorithm: manifest.BLAKE3}).HashContext(ctx, dir)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("took %d MiB: %v", took>>20, err)
	}
}
