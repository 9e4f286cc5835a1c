//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A child is a hub in a process of its own.
type child struct {
	cmd   *exec.Cmd
	debug string
	said  *bytes.Buffer
}

// startChild starts a hub, and returns when it serves.
func startChild(t *testing.T, store string, s signer, flags ...string) (child, client) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-listen", "127.0.0.1:0", "-debug-listen", "127.0.0.1:0", "-store", store, "-key", s.public}, flags...)
	c := child{cmd: exec.Command(self, args...), said: new(bytes.Buffer)}
	c.cmd.Env = append(os.Environ(), "HUB_CHILD=1")
	c.cmd.Stderr = c.said
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.kill() })
	lines := bufio.NewReader(out)
	first, _ := lines.ReadString('\n')
	second, err := lines.ReadString('\n')
	if err != nil {
		t.Fatalf("the hub does not serve: %v, %s%s", err, first, c.said)
	}
	c.debug = strings.TrimSpace(strings.TrimPrefix(first, "debug "))
	url := strings.TrimSpace(strings.TrimPrefix(second, "serving "))
	transport := &http.Transport{MaxIdleConnsPerHost: 200}
	t.Cleanup(transport.CloseIdleConnections)
	return c, client{url, &http.Client{Transport: transport}}
}

func (c child) kill() error {
	err := c.cmd.Process.Kill()
	_ = c.cmd.Wait()
	return err
}

// usage returns what the process holds.
func (c child) usage(t *testing.T) (goroutines, uploads, descriptors int) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := (&http.Client{Transport: transport}).Get(c.debug + "/debug/vars")
	if err != nil {
		t.Fatal(err)
	}
	var vars struct{ Goroutines, Uploads int }
	if err := json.NewDecoder(res.Body).Decode(&vars); err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	time.Sleep(100 * time.Millisecond) // until the hub has closed this connection, too
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", c.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return vars.Goroutines, vars.Uploads, len(open)
}

// peak returns how many bytes of memory the process has had at most.
func (c child) peak(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		t.Fatalf("no VmHWM in %s", status)
	}
	n, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

// modelBytes is how large the models of the test are: 64 MB, but where hashing is slow and memory is not measured.
func modelBytes(t *testing.T) int {
	if s := os.Getenv("HUB_TEST_MODEL_BYTES"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if testing.Short() || slowHash || raceEnabled {
		return 4e6
	}
	return 64e6
}

// A load is a number of uploads at once.
type load struct {
	t     *testing.T
	c     client
	s     signer
	blobs [2][]byte // weights
	shard int64
}

func newLoad(t *testing.T, c client, s signer, size int) *load {
	l := &load{t: t, c: c, s: s, shard: int64(size/8 + 1)}
	for i := range l.blobs {
		l.blobs[i] = make([]byte, size)
		random := rand.NewChaCha8([32]byte{byte(i)})
		_, _ = random.Read(l.blobs[i])
	}
	return l
}

// model returns the one with a number, which is like no other, and its bundle.
func (l *load) model(i int) (string, files, []byte) {
	blob := l.blobs[i%2]
	model := files{
		"config.json":              fmt.Appendf(nil, `{"model":%d}`, i),
		"weights/part-1.bin":       blob[:len(blob)/2],
		"weights/part-2.bin":       blob[len(blob)/2:],
		"empty/__init__.py":        {},
		"Übergröße/模型 (1).json":    []byte("[]"),
		"weights/nested/deep/a.py": []byte("pass"),
	}
	shard := int64(0)
	if i%3 == 0 {
		shard = l.shard
		delete(model, "empty/__init__.py")
	}
	name := fmt.Sprintf("model-%d", i)
	return name, model, l.s.sign(l.t, name, model, shard)
}

// run does so many uploads at once, a third of them attacks, and returns the names of those that were stored.
func (l *load) run(ctx context.Context, n int) []string {
	var wait sync.WaitGroup
	var mu sync.Mutex
	var stored []string
	for i := range n {
		if i%3 == 1 {
			a := attacks[i/3%len(attacks)]
			wait.Go(func() {
				if r, ok := a.attack(ctx, l, i); !ok {
					l.t.Errorf("%s: got %s", a.name, r)
				}
			})
			continue
		}
		name, model, bundle := l.model(i)
		wait.Go(func() {
			if r := l.c.upload(ctx, name, bundle, model); r.status != http.StatusCreated {
				l.t.Errorf("%s was refused: %s", name, r)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			stored = append(stored, name)
		})
	}
	wait.Wait()
	slices.Sort(stored)
	return stored
}

// keep uploads good models, eight at a time, until the context is done or the hub is gone, and sends the names of those
// that were stored.
func (l *load) keep(ctx context.Context, first int) <-chan string {
	stored := make(chan string)
	var wait sync.WaitGroup
	for k := range 8 {
		wait.Go(func() {
			for i := first + k; ctx.Err() == nil; i += 8 {
				name, model, bundle := l.model(i)
				if r := l.c.upload(ctx, name, bundle, model); r.status != http.StatusCreated {
					return
				}
				stored <- name
			}
		})
	}
	go func() {
		wait.Wait()
		close(stored)
	}()
	return stored
}

// A hundred uploads at once, a third of them hostile: nothing wrong is stored, nothing right is refused, and the hub is
// as it was before.
func TestLoad(t *testing.T) {
	dir, s := t.TempDir(), newSigner(t)
	hub, c := startChild(t, dir, s, "-idle", "30s", "-pause", "30s")
	l := newLoad(t, c, s, modelBytes(t))
	name, model, bundle := l.model(1000)
	if r := c.upload(t.Context(), name, bundle, model); r.status != http.StatusCreated {
		t.Fatalf("the first of all: %s", r)
	}
	c.http.CloseIdleConnections()
	time.Sleep(200 * time.Millisecond)
	goroutines, _, descriptors := hub.usage(t)

	begun := time.Now()
	stored := append(l.run(t.Context(), 100), name)
	took := time.Since(begun)
	slices.Sort(stored)
	peak := hub.peak(t)
	t.Logf("100 uploads of models of %d MB took %v, and at most %d MiB", modelBytes(t)/1e6, took.Round(time.Millisecond), peak>>20)
	if peak > 256<<20 && !raceEnabled {
		t.Errorf("%d MiB of memory", peak>>20)
	}
	c.http.CloseIdleConnections()
	hub.settles(t, goroutines, descriptors)
	checkStore(t, dir, s, stored)
	if left, err := os.ReadDir(filepath.Join(dir, "uploads")); err != nil || len(left) > 0 {
		t.Errorf("left of uploads: %v, %v", left, err)
	}
	if err := errors.Join(hub.cmd.Process.Signal(syscall.SIGTERM), hub.cmd.Wait()); err != nil || strings.Contains(hub.said.String(), "level=ERROR") {
		t.Errorf("the hub ends with %v, and says %s", err, hub.said)
	}
}

// settles waits until the hub has given everything back: stalled uploads take until they are given up.
func (c child) settles(t *testing.T, goroutines, descriptors int) {
	t.Helper()
	for begun := time.Now(); ; {
		g, u, d := c.usage(t)
		if g <= goroutines && u == 0 && d <= descriptors {
			return
		}
		if time.Since(begun) > 3*time.Minute {
			t.Errorf("%d goroutines, %d uploads, %d descriptors, and before there were %d, 0, %d", g, u, d, goroutines, descriptors)
			return
		}
	}
}

// checkStore sees that these models are stored, whole, and no others.
func checkStore(t *testing.T, dir string, s signer, want []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "models"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
		if err := s.check(dir, e.Name()); err != nil {
			t.Error(err)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("stored is %q, want %q", got, want)
	}
	if outside, _ := filepath.Glob(filepath.Join(dir, "*")); len(outside) != 2 {
		t.Errorf("the store holds %q", outside)
	}
}

// Whatever the moment at which the hub is killed: what it says it has stored is there, and all that is there is whole.
func TestKilled(t *testing.T) {
	dir, s := t.TempDir(), newSigner(t)
	all := map[string]bool{}
	cut := 0
	for round := 0; round < 100 && (round < 8 || len(all) < 30 || cut < 5); round++ {
		hub, c := startChild(t, dir, s)
		if left, err := os.ReadDir(filepath.Join(dir, "uploads")); err != nil || len(left) > 0 {
			t.Fatalf("round %d: left of uploads: %v, %v", round, left, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		names := newLoad(t, c, s, 1e6).keep(ctx, round*10_000)
		for range rand.IntN(10) {
			name, ok := <-names
			if !ok {
				t.Fatalf("round %d: an upload fails, and the hub says %s", round, hub.said)
			}
			all[name] = true
		}
		kill := time.AfterFunc(time.Duration(rand.IntN(50))*time.Millisecond, func() { _ = hub.cmd.Process.Kill() })
		for name := range names {
			all[name] = true
		}
		if kill.Stop() {
			t.Fatalf("round %d: uploads fail, and the hub says %s", round, hub.said)
		}
		_ = hub.cmd.Wait()
		cancel()
		c.http.CloseIdleConnections()
		if left, _ := os.ReadDir(filepath.Join(dir, "uploads")); len(left) > 0 {
			cut++
		}
		checkWhole(t, dir, s, all)
	}
	if len(all) < 30 || cut < 5 {
		t.Errorf("%d models were stored, %d kills cut uploads off: this test tests nothing", len(all), cut)
	}
}

// checkWhole sees that all that is stored is whole, and that these models are.
func checkWhole(t *testing.T, dir string, s signer, want map[string]bool) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "models"))
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, e := range entries {
		there[e.Name()] = true
		if err := s.check(dir, e.Name()); err != nil {
			t.Error(err)
		}
	}
	for name := range want {
		if !there[name] {
			t.Errorf("%s was stored, and is not there", name)
		}
	}
}
