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

// sparse makes a model of one file with the given size, which takes no room on the disk.
func sparse(t testing.TB, size int64) string {
	root := write(t, map[string]string{"f": ""})
	must(t, os.Truncate(filepath.Join(root, "f"), size))
	return root
}

func TestCancel(t *testing.T) {
	root := sparse(t, 1<<30)
	before := runtime.NumGoroutine()
	for _, a := range []manifest.Algorithm{manifest.SHA256, manifest.BLAKE2b, manifest.BLAKE3} {
		for _, workers := range []int{1, 2, 4} {
			c := hashing.Config().UseFileSerialization(hashing.Files{Algorithm: a, MaxWorkers: workers})
			took := time.Hour
			for range 3 { // the best of three, for the machine may be busy
				took = min(took, cancelMidway(t, c, root))
			}
			if took > 100*time.Millisecond {
				t.Errorf("%s with %d workers: stopped after %v", a, workers, took)
			}
		}
	}
	wantGoroutines(t, before)
}

// cancelMidway returns how long it took from the cancellation to the error.
func cancelMidway(t *testing.T, c hashing.Configuration, root string) time.Duration {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var at time.Time
	_, err := c.SetProgress(func(p hashing.Progress) {
		if p.Done > p.Total/16 && at.IsZero() {
			at = time.Now()
			cancel()
		}
	}).HashContext(ctx, root)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	return time.Since(at)
}

func TestCancelledBefore(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), -1)
	defer cancel()
	_, err := hashing.Config().HashContext(ctx, write(t, map[string]string{"a": "1"}))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// wantGoroutines waits for those that have returned but are still counted.
func wantGoroutines(t *testing.T, want int) {
	t.Helper()
	for range 100 {
		if runtime.NumGoroutine() <= want {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines, there were %d before", runtime.NumGoroutine(), want)
}
