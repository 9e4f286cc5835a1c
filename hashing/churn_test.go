package hashing_test

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// A churn is a model of which one file is changed again and again, and every content that its files have had.
type churn struct {
	root  string
	sizes map[string]int
	base  []byte

	mu    sync.Mutex
	valid map[string]bool // path and digest
	clock time.Time
}

// TestChurn changes files while they are hashed. Each round ends with an error that names a file, or with digests of
// what the files held at some time. CHURN_ROUNDS sets the number of rounds.
func TestChurn(t *testing.T) {
	rounds := 60
	if n, err := strconv.Atoi(os.Getenv("CHURN_ROUNDS")); err == nil {
		rounds = n
	}
	c := &churn{root: t.TempDir(), base: make([]byte, 9<<20), valid: map[string]bool{}, clock: time.Now()}
	c.sizes = map[string]int{"d/small": 4096, "d/edge": 128 << 10, "middle": 700_000, "big": 8 << 20}
	rand.NewChaCha8([32]byte{}).Read(c.base)
	must(t, os.Mkdir(filepath.Join(c.root, "d"), 0o777))
	must(t, c.put("middle", nil)) // for the files that package os has for itself, once it has opened any
	goroutines, open := runtime.NumGoroutine(), openFiles()
	var changed int
	for round := range rounds {
		config := hashing.Config().SetMapped(round%2 == 0).SetMaxWorkers(1 + round%3)
		if round%5 == 0 {
			config = config.UseFileSerialization(hashing.Files{Algorithm: manifest.BLAKE3})
		}
		if c.round(t, config, rand.New(rand.NewPCG(1, uint64(round)))) {
			changed++
		}
	}
	t.Logf("%d of %d rounds ended with an error", changed, rounds)
	wantGoroutines(t, goroutines)
	if n := openFiles(); n != open {
		t.Errorf("%d files are open, there were %d before", n, open)
	}
}

// round reports whether hashing noticed a change.
func (c *churn) round(t *testing.T, config hashing.Configuration, r *rand.Rand) bool {
	for name, size := range c.sizes {
		must(t, c.put(name, c.base[:size]))
	}
	names := []string{"d/small", "d/edge", "middle", "big", "big", "big"}
	name, delay := names[r.IntN(len(names))], time.Duration(r.IntN(12_000))*time.Microsecond
	what, at := r.IntN(4), r.IntN(c.sizes[name])
	done := make(chan error, 1)
	go func() {
		time.Sleep(delay)
		done <- c.change(name, what, at)
	}()
	m, err := config.Hash(c.root)
	must(t, <-done)
	if err != nil {
		var pe *fs.PathError
		if !errors.Is(err, hashing.ErrChanged) || !errors.As(err, &pe) || pe.Path != filepath.Join(c.root, name) {
			t.Errorf("got %v, want that %s changed", err, name)
		}
		return true
	}
	for _, r := range m.Resources {
		if !c.valid[r.Path+" "+r.Digest.Hex] {
			t.Errorf("%s never held what has the digest %s", r.Path, r.Digest.Hex)
		}
	}
	return false
}

// change truncates, grows, replaces or deletes a file.
func (c *churn) change(name string, what, at int) error {
	p, size := filepath.Join(c.root, name), c.sizes[name]
	switch what {
	case 0:
		c.note(name, c.base[:at])
		return os.Truncate(p, int64(at))
	case 1:
		c.note(name, c.base[:size+1+at/16])
		f, err := os.OpenFile(p, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = f.Write(c.base[size : size+1+at/16])
		return err
	case 2:
		other := bytes.Clone(c.base[:size])
		other[at] ^= 1
		return c.put(name, other)
	default:
		return os.Remove(p)
	}
}

// put replaces a file by one with another time.
func (c *churn) put(name string, data []byte) error {
	c.note(name, data)
	p := filepath.Join(c.root, name)
	tmp := filepath.Join(filepath.Dir(c.root), strings.ReplaceAll(name, "/", "-")+".tmp")
	c.clock = c.clock.Add(time.Second)
	return errors.Join(os.WriteFile(tmp, data, 0o666), os.Chtimes(tmp, c.clock, c.clock), os.Rename(tmp, p))
}

func (c *churn) note(name string, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.valid[name+" "+digest(manifest.SHA256, data)] = true
	c.valid[name+" "+digest(manifest.BLAKE3, data)] = true
}
