package hashing_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

var background = context.Background()

// sliced hashes a model in n slices, with or without a plan, each on its way through JSON.
func sliced(t *testing.T, c hashing.Configuration, model string, n int, planned bool) (*manifest.Manifest, error) {
	t.Helper()
	if planned {
		plan, err := c.Plan(background, model, n)
		if err != nil {
			return nil, err
		}
		data, err := plan.MarshalJSON()
		must(t, err)
		plan, err = manifest.ParsePlan(data)
		must(t, err)
		c = c.SetPlan(plan)
	}
	var parts []*manifest.Partial
	for i := range n {
		part, err := c.Slice(i, n).Part(background, model)
		if err != nil {
			return nil, err
		}
		data, err := part.MarshalJSON()
		must(t, err)
		part, err = manifest.ParsePartial(data)
		must(t, err)
		parts = append(parts, part)
	}
	return manifest.Merge(parts...)
}

// However many slices there are, they are the manifest of the whole.
func TestSlicesOfCases(t *testing.T) {
	for _, c := range hashCases {
		t.Run(c.name, func(t *testing.T) {
			root := write(t, c.files)
			want, wantErr := c.config.Hash(root)
			for n := 1; n <= 32; n++ {
				for _, planned := range []bool{false, true} {
					got, err := sliced(t, c.config, root, n, planned)
					if wantErr != nil {
						if err == nil || err.Error() != wantErr.Error() {
							t.Fatalf("%d slices: got %v, want %v", n, err, wantErr)
						}
					} else if err != nil || !reflect.DeepEqual(got, want) {
						t.Fatalf("%d slices, plan %v: got %v, %v, want %v", n, planned, got, err, want)
					}
				}
			}
		})
	}
}

// mixed makes a model with files of all kinds of sizes, the largest of which are cut.
func mixed(t testing.TB) string {
	root := t.TempDir()
	random := rand.NewChaCha8([32]byte{1})
	for i, size := range []int{0, 1, 4095, 4096, 100_000, 128 << 10, 128<<10 + 1, 1 << 20, 3<<20 + 17, 9<<20 + 1} {
		data := make([]byte, size)
		random.Read(data)
		p := filepath.Join(root, fmt.Sprintf("d%d", i%3), fmt.Sprintf("%d.bin", i))
		must(t, os.MkdirAll(filepath.Dir(p), 0o777))
		must(t, os.WriteFile(p, data, 0o666))
	}
	return root
}

func TestSlicesOfFilesAndShards(t *testing.T) {
	root := mixed(t)
	for _, a := range []manifest.Algorithm{manifest.SHA256, manifest.BLAKE2b, manifest.BLAKE3} {
		modes := map[string]hashing.Configuration{"files": hashing.Config().UseFileSerialization(hashing.Files{Algorithm: a})}
		for _, size := range []int64{50_000, 1 << 20, 3 << 20, 64 << 20} {
			modes[fmt.Sprint("shards of ", size)] = hashing.Config().UseShardSerialization(hashing.Shards{Algorithm: a, ShardSize: size})
		}
		for name, c := range modes {
			t.Run(fmt.Sprintf("%s %s", a, name), func(t *testing.T) {
				want, err := c.Hash(root)
				must(t, err)
				for _, n := range []int{1, 2, 3, 4, 5, 6, 8, 13, 31, 32} {
					c := c.SetMapped(n%2 == 0).SetMaxWorkers(n % 4)
					if got, err := sliced(t, c, root, n, n%3 == 0); err != nil || !reflect.DeepEqual(got, want) {
						t.Fatalf("%d slices: got %v, %v, want %v", n, got, err, want)
					}
				}
			})
		}
	}
}

func TestSliceOfSingleFile(t *testing.T) {
	file := filepath.Join(write(t, map[string]string{".gitignore": strings.Repeat("x", 5<<20)}), ".gitignore")
	for _, c := range []hashing.Configuration{hashing.Config(), hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 1 << 20})} {
		want, err := c.Hash(file)
		must(t, err)
		for _, planned := range []bool{false, true} {
			if got, err := sliced(t, c, file, 3, planned); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got %v, %v, want %v", got, err, want)
			}
		}
	}
}

// A machine that has the model elsewhere hashes it under the plan's name.
func TestPlanElsewhere(t *testing.T) {
	root := write(t, map[string]string{"a": "1"})
	plan, err := hashing.Config().Plan(background, root, 1)
	must(t, err)
	moved := filepath.Join(t.TempDir(), "elsewhere")
	must(t, os.Rename(root, moved))
	part, err := hashing.Config().SetPlan(plan).Slice(0, 1).Part(background, moved)
	if err != nil || part.Name != "model" {
		t.Errorf("got %v, %v", part, err)
	}
}

func TestSliceMisused(t *testing.T) {
	root := write(t, map[string]string{"a": "1"})
	plan, err := hashing.Config().Plan(background, root, 2)
	must(t, err)
	c := hashing.Config()
	whole, err := c.Hash(root)
	must(t, err)
	for name, f := range map[string]func() error{
		"no slice":         func() error { _, err := c.Part(background, root); return err },
		"slice n of n":     func() error { _, err := c.Slice(2, 2).Part(background, root); return err },
		"negative":         func() error { _, err := c.Slice(-1, 2).Part(background, root); return err },
		"negative n":       func() error { _, err := c.Slice(0, -2).Part(background, root); return err },
		"too many":         func() error { _, err := c.Slice(0, manifest.MaxSlices+1).Part(background, root); return err },
		"only":             func() error { _, err := c.SetOnly("a").Slice(0, 2).Part(background, root); return err },
		"hash":             func() error { _, err := c.Slice(0, 2).Hash(root); return err },
		"report":           func() error { _, err := c.Slice(0, 2).Report(background, root); return err },
		"HashFS":           func() error { _, err := c.Slice(0, 2).HashFS(background, os.DirFS(root), "m"); return err },
		"plan":             func() error { _, err := c.Slice(0, 2).Plan(background, root, 2); return err },
		"plan of zero":     func() error { _, err := c.Plan(background, root, 0); return err },
		"plan of some":     func() error { _, err := c.SetOnly("a").Plan(background, root, 2); return err },
		"recheck":          func() error { _, err := c.Slice(0, 2).Recheck(background, root, whole, 1); return err },
		"plan of pointers": func() error { _, err := c.SetFollowLFSPointers(true).Plan(background, root, 2); return err },
		"no plan":          func() error { _, err := c.SetPlan(&manifest.Plan{}).Slice(0, 2).Part(background, root); return err },
		"without model":    func() error { _, err := c.Slice(0, 2).Part(background, filepath.Join(root, "none")); return err },
	} {
		if f() == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	for field, c := range map[string]hashing.Configuration{
		"slices":         c.Slice(0, 3),
		"method":         c.Slice(0, 2).UseShardSerialization(hashing.Shards{}),
		"hash_type":      c.Slice(0, 2).UseFileSerialization(hashing.Files{Algorithm: manifest.BLAKE3}),
		"allow_symlinks": c.Slice(0, 2).SetAllowSymlinks(true),
		"ignore_paths":   c.Slice(0, 2).AddIgnoredPaths("a"),
	} {
		var conflict *hashing.ConflictError
		_, err := c.SetPlan(plan).Part(background, root)
		if !errors.As(err, &conflict) || conflict.Field != field || !strings.Contains(err.Error(), "but planned as") {
			t.Errorf("%s: got %v", field, err)
		}
	}
	var conflict *hashing.ConflictError
	if _, err := c.SetIgnoreGitPaths(false).SetPlan(plan).Slice(0, 2).Part(background, root); !errors.As(err, &conflict) ||
		fmt.Sprint(conflict.Configured) == fmt.Sprint(conflict.Signed) {
		t.Errorf("git's files: got %v", err)
	}
	m, err := c.Slice(0, 2).Slice(0, 0).Hash(root)
	if err != nil || len(m.Resources) != 1 {
		t.Errorf("without a slice: got %v, %v", m, err)
	}
}

// What happened to a model after it was planned is noticed by the slice that the file is in.
func TestChangedSincePlanned(t *testing.T) {
	for what, change := range changes {
		t.Run(what, func(t *testing.T) {
			root := write(t, map[string]string{"d/big": strings.Repeat("b", 5<<20), "d/big.other": strings.Repeat("b", 5<<20)})
			c := hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 1 << 20})
			plan, err := c.Plan(background, root, 1)
			must(t, err)
			before, open := runtime.NumGoroutine(), openFiles()
			must(t, change(filepath.Join(root, "d", "big")))
			_, err = c.SetPlan(plan).Slice(0, 1).Part(background, root)
			switch {
			case what == "replaced" && err == nil: // by a file of the same size and time, which no plan can tell
			case strings.Contains(what, "link") && errors.Is(err, hashing.ErrSymlink):
			case what == "grown" && !strings.Contains(err.Error(), "is not what it was when it was planned"):
				t.Errorf("%s: says %v", what, err)
			case !errors.Is(err, hashing.ErrChanged):
				t.Errorf("got %v", err)
			}
			wantGoroutines(t, before)
			if n := openFiles(); n != open {
				t.Errorf("%d files are open, there were %d before", n, open)
			}
		})
	}
}

// A model that changes between the jobs makes no manifest, whether or not the file is theirs.
func TestChangedBetweenSlices(t *testing.T) {
	root := write(t, map[string]string{"a": "1", "b": "2", "c": "3"})
	c := hashing.Config()
	first, err := c.Slice(0, 2).Part(background, root)
	must(t, err)
	must(t, os.Chtimes(filepath.Join(root, "c"), time.Time{}, time.Now().Add(time.Hour)))
	second, err := c.Slice(1, 2).Part(background, root)
	must(t, err)
	if _, err := manifest.Merge(first, second); !errors.Is(err, manifest.ErrTreeChanged) {
		t.Errorf("got %v", err)
	}
	again, err := c.Slice(0, 2).Part(background, root)
	must(t, err)
	if _, err := manifest.Merge(again, second); err != nil {
		t.Error(err)
	}
}

func TestPartCancelled(t *testing.T) {
	root := sparse(t, 1<<30)
	c := hashing.Config()
	plan, err := c.Plan(background, root, 1)
	must(t, err)
	before := runtime.NumGoroutine()
	for _, c := range []hashing.Configuration{c, c.SetPlan(plan)} {
		ctx, cancel := context.WithCancel(background)
		c = c.Slice(0, 1).SetProgress(func(hashing.Progress) { cancel() })
		if _, err := c.Part(ctx, root); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if _, err := c.Part(ctx, root); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled before: got %v", err)
		}
		cancel()
	}
	wantGoroutines(t, before)
}

// One configuration serves many goroutines.
func TestSlicesTogether(t *testing.T) {
	root := mixed(t)
	const n = 20
	c := hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 1 << 20, MaxWorkers: 2})
	plan, err := c.Plan(background, root, n)
	must(t, err)
	want, err := c.Hash(root)
	must(t, err)
	c = c.SetPlan(plan)
	parts, errs := make([]*manifest.Partial, n), make(chan error, n)
	for i := range n {
		go func() {
			var err error
			parts[i], err = c.Slice(i, n).Part(background, root)
			errs <- err
		}()
	}
	for range n {
		must(t, <-errs)
	}
	if got, err := manifest.Merge(parts...); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

// A cache of digests serves slices, too, but that a part of a file has no place in it; rechecking reads in spite of it.
func TestSlicesWithCache(t *testing.T) {
	root := mixed(t)
	for _, c := range []hashing.Configuration{hashing.Config(), hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 1 << 20})} {
		want, err := c.Hash(root)
		must(t, err)
		cache, err := hashing.OpenCache(filepath.Join(t.TempDir(), "cache"))
		must(t, err)
		c = c.SetCache(cache)
		for range 3 {
			for _, planned := range []bool{false, true} {
				got, err := sliced(t, c, root, 3, planned)
				must(t, err)
				equal(t, "resources", lines(got), lines(want))
			}
			must(t, cache.Save())
		}
		if n, err := c.Recheck(background, root, want, 1); err != nil || n != len(want.Resources) {
			t.Errorf("got %d, %v", n, err)
		}
	}
}

// Whoever hashes a slice is warned of pointers in the place of files.
func TestSliceOfPointers(t *testing.T) {
	root := write(t, map[string]string{"a": "version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("0", 64) + "\nsize 5\n"})
	var log bytes.Buffer
	c := hashing.Config().SetLogger(slog.New(slog.NewTextHandler(&log, nil)))
	if _, err := c.Slice(0, 1).Part(background, root); err != nil || !strings.Contains(log.String(), "Git LFS pointers") {
		t.Errorf("got %v, %s", err, &log)
	}
}
