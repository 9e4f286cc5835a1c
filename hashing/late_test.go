package hashing_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// Whether the sizes of all files are asked for before the first is read, as a progress function needs it, changes
// nothing.
func TestProgressChangesNothing(t *testing.T) {
	root, _ := mixture(t)
	for _, links := range []bool{false, true} {
		c := hashing.Config().SetAllowSymlinks(links)
		got, err := c.Hash(root)
		must(t, err)
		want, err := c.SetProgress(func(hashing.Progress) {}).Hash(root)
		must(t, err)
		equal(t, "resources", lines(got), lines(want))
	}
}

// Files on both sides of the size from which on they are not read whole.
func TestAroundChunk(t *testing.T) {
	files := map[string]string{}
	var want []string
	for _, chunk := range []int{4 << 10, 128 << 10, 1 << 20} {
		for _, size := range []int{chunk - 1, chunk, chunk + 1} {
			name := fmt.Sprintf("%d/%d", chunk, size)
			files[name] = strings.Repeat("c", size)
			want = append(want, name+" "+digest(manifest.SHA256, []byte(files[name])))
		}
	}
	slices.Sort(want)
	root := write(t, files)
	for _, chunk := range []int{4 << 10, 128 << 10, 1 << 20} {
		for _, workers := range []int{1, 3} {
			m, err := hashing.Config().UseFileSerialization(hashing.Files{ChunkSize: chunk, MaxWorkers: workers}).Hash(root)
			must(t, err)
			equal(t, "resources", lines(m), want)
		}
	}
}

// settle waits until what was changed before was not changed for long. Such files are looked at once, on Linux.
func settle() { time.Sleep(2100 * time.Millisecond) }

// TestChurnSmall changes one of many small files while they are hashed.
func TestChurnSmall(t *testing.T) {
	const files = 400
	root := filepath.Join(t.TempDir(), "model")
	content := func(i, version int) string { return strings.Repeat(fmt.Sprintf("%d.%d ", i, version), 20+i%300) }
	for i := range files {
		must(t, os.MkdirAll(filepath.Join(root, fmt.Sprint(i%20)), 0o777))
		must(t, os.WriteFile(filepath.Join(root, fmt.Sprint(i%20), fmt.Sprint(i)), []byte(content(i, 0)), 0o666))
	}
	settle()
	goroutines, open := runtime.NumGoroutine(), openFiles()
	changed := 0
	for round := range 300 {
		r := rand.New(rand.NewPCG(2, uint64(round)))
		i, delay := r.IntN(files), time.Duration(r.IntN(4000))*time.Microsecond
		name := fmt.Sprintf("%d/%d", i%20, i)
		valid := map[string]bool{}
		for _, s := range []string{content(i, 0), content(i, 1), content(i, 0)[:10], content(i, 0) + "more"} {
			valid[digest(manifest.SHA256, []byte(s))] = true
		}
		done := make(chan error, 1)
		go func() {
			time.Sleep(delay)
			done <- changeSmall(filepath.Join(root, name), round%4, content(i, 0), content(i, 1))
		}()
		m, err := hashing.Config().SetMaxWorkers(1 + round%2).Hash(root)
		must(t, <-done)
		var pe *fs.PathError
		if err != nil {
			changed++
			if !errors.Is(err, hashing.ErrChanged) || !errors.As(err, &pe) || pe.Path != filepath.Join(root, name) {
				t.Errorf("got %v, want that %s changed", err, name)
			}
		} else {
			for _, res := range m.Resources {
				var j int
				fmt.Sscan(filepath.Base(res.Path), &j)
				if res.Path != name && res.Digest.Hex != digest(manifest.SHA256, []byte(content(j, 0))) || res.Path == name && !valid[res.Digest.Hex] {
					t.Errorf("%s never held what has the digest %s", res.Path, res.Digest.Hex)
				}
			}
		}
		must(t, os.WriteFile(filepath.Join(root, name), []byte(content(i, 0)), 0o666))
	}
	t.Logf("%d rounds ended with an error", changed)
	wantGoroutines(t, goroutines)
	if n := openFiles(); n != open {
		t.Errorf("%d files are open, there were %d before", n, open)
	}
}

// changeSmall deletes, replaces, truncates or grows a file.
func changeSmall(p string, what int, old, other string) error {
	switch what {
	case 0:
		return os.Remove(p)
	case 1:
		tmp := filepath.Join(filepath.Dir(filepath.Dir(filepath.Dir(p))), "tmp")
		return errors.Join(os.WriteFile(tmp, []byte(other), 0o666), os.Rename(tmp, p))
	case 2:
		return os.Truncate(p, 10)
	default:
		f, err := os.OpenFile(p, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString("more")
		return errors.Join(err, f.Close())
	}
}

// A file system may say that sizes are negative.
func TestNegativeSize(t *testing.T) {
	for _, size := range []int64{-1, -5, -1 << 62} {
		fsys := liar{onlyReadDir{fstest.MapFS{"f": {Data: []byte("1")}, "g": {Data: []byte("2")}}}, size, nil}
		for _, c := range []hashing.Configuration{
			hashing.Config(), hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 3}),
			hashing.Config().SetProgress(func(hashing.Progress) {}),
		} {
			if m, err := c.HashFS(context.Background(), fsys, "model"); err == nil {
				t.Errorf("%d: got %s", size, lines(m))
			}
		}
	}
}
