package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io/fs"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/verifying"
)

// The test's own program is the orchestrator, too, to be killed.
func TestMain(m *testing.M) {
	if os.Getenv("ORCHESTRATOR_CHILD") != "" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// A place is a key pair and a store.
type place struct {
	key   *ecdsa.PrivateKey
	file  string
	store store
}

func newPlace(t *testing.T) place {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p := place{key, filepath.Join(t.TempDir(), "key.priv"), store(filepath.Join(t.TempDir(), "checkpoints"))}
	if err := os.WriteFile(p.file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p place) args(more ...string) []string {
	return append([]string{"-dir", string(p.store), "-private-key", p.file, "-step", "1ms", "-every", "1", "-size", "200000"}, more...)
}

// run runs the orchestrator in this process.
func (p place) run(t *testing.T, more ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(p.args(more...), &out, &errs)
	return code, out.String(), errs.String()
}

// start runs the orchestrator in one of its own.
func (p place) start(t *testing.T, more ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.Command(self, p.args(more...)...)
	cmd.Env = append(os.Environ(), "ORCHESTRATOR_CHILD=1")
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, &out
}

// check verifies every signature, and counts the checkpoints with and without one. Nothing else may be in the store.
func (p place) check(t *testing.T) (signed, unsigned int) {
	t.Helper()
	entries, err := os.ReadDir(string(p.store))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	config := verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{Key: &p.key.PublicKey})
	for _, e := range entries {
		path := filepath.Join(string(p.store), e.Name())
		model, isSignature := strings.CutSuffix(path, ".sig")
		switch {
		case e.Name() == partial:
		case isSignature:
			signed++
			if _, err := config.Verify(model, path); err != nil {
				t.Error(err)
			}
		case e.IsDir():
			unsigned++
		default:
			t.Errorf("%s should not be there", path)
		}
	}
	return signed, unsigned - signed
}

func TestSignsAll(t *testing.T) {
	p := newPlace(t)
	p.run(t, "-steps", "0") // with the first signal to listen for, package signal starts a goroutine that stays
	before := runtime.NumGoroutine()
	for _, args := range [][]string{{"-steps", "9"}, {"-steps", "6", "-workers", "3", "-waiting", "0"}} {
		code, stdout, stderr := p.run(t, args...)
		if code != 0 || stderr != "" {
			t.Fatalf("%q: exit code %d, %s", args, code, stderr)
		}
		for line := range strings.Lines(stdout) {
			var said map[string]string
			if err := json.Unmarshal([]byte(line), &said); err != nil || said["error"] != "" || said["signature"] != said["checkpoint"]+".sig" {
				t.Errorf("%q: said %s, %v", args, line, err)
			}
		}
	}
	if signed, unsigned := p.check(t); signed != 15 || unsigned != 0 {
		t.Errorf("%d are signed, %d are not", signed, unsigned)
	}
	if last, _, err := p.store.scan(); last != 15 || err != nil {
		t.Errorf("the last step is %d, %v", last, err)
	}
	// What waits for hours in real life needs a moment here.
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, and before there were %d", runtime.NumGoroutine(), before)
}

// Whatever the moment at which the process is killed: no signature is broken, and the next run makes those that are missing.
func TestKilled(t *testing.T) {
	p := newPlace(t)
	all, late := 0, 0
	for round := 0; round < 200 && (round < 20 || all < 10 || late == 0); round++ {
		cmd, out := p.start(t, "-steps", "100000", "-workers", "2")
		time.Sleep(time.Duration(mathrand.IntN(150)) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if cmd.Wait() == nil {
			t.Fatalf("round %d: ended by itself: %s", round, out)
		}
		signed, unsigned := p.check(t)
		if signed < all {
			t.Errorf("round %d: %d signatures, and before there were %d", round, signed, all)
		}
		all, late = signed, late+unsigned
	}
	code, _, stderr := p.run(t, "-steps", "0")
	signed, unsigned := p.check(t)
	if code != 0 || unsigned != 0 || signed < all {
		t.Errorf("after all: exit code %d, %s, %d are signed, %d are not", code, stderr, signed, unsigned)
	}
	if left, err := os.ReadDir(filepath.Join(string(p.store), partial)); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
	if signed < 10 || late == 0 {
		t.Errorf("%d checkpoints, %d of them without a signature at a kill: this test tests nothing", signed, late)
	}
}

// large adds a checkpoint that takes many seconds to sign.
func (p place) large(t *testing.T) {
	t.Helper()
	dir := filepath.Join(string(p.store), nameOf(1))
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(dir, "weights.bin"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(256 << 30); err != nil { // no bytes on the disk
		t.Skip("no sparse files here: ", err)
	}
}

// await waits until the store has a file.
func (p place) await(t *testing.T, name string) {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Lstat(filepath.Join(string(p.store), name)); err == nil {
			return
		}
	}
	t.Fatalf("%s does not appear", name)
}

func TestTerminated(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no SIGTERM on Windows")
	}
	t.Run("gives up", func(t *testing.T) {
		p := newPlace(t)
		p.large(t)
		cmd, out := p.start(t, "-grace", "0s", "-steps", "100000", "-waiting", "1", "-step", "30ms")
		p.await(t, nameOf(2))
		begun := time.Now()
		err := cmd.Process.Signal(syscall.SIGTERM)
		if err := errors.Join(err, cmd.Wait()); err == nil || cmd.ProcessState.ExitCode() != 1 {
			t.Errorf("got %v: %s", err, out)
		}
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("took %v to stop", took)
		}
		if !strings.Contains(out.String(), "context canceled") || !strings.Contains(out.String(), "left without a signature") {
			t.Errorf("says %s", out)
		}
		if signed, unsigned := p.check(t); signed != 0 || unsigned < 1 || unsigned > 3 { // one is signed, one waits, one is to be added
			t.Errorf("%d are signed, %d are not", signed, unsigned)
		}
	})
	t.Run("finishes", func(t *testing.T) {
		p := newPlace(t)
		cmd, out := p.start(t, "-steps", "100000", "-waiting", "0")
		p.await(t, nameOf(3)+".sig")
		err := cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // 1 if a checkpoint was just to be added
		if err != nil || strings.Contains(out.String(), "canceled") {
			t.Errorf("got %v: %s", err, out)
		}
		if signed, unsigned := p.check(t); signed == 0 || unsigned > 2 {
			t.Errorf("%d are signed, %d are not: %s", signed, unsigned, out)
		}
	})
}

func TestBackground(t *testing.T) {
	const workers, waiting = 3, 2
	stop, stopNow := context.WithCancel(t.Context())
	defer stopNow()
	var running, most, done atomic.Int32
	free := make(chan struct{})
	b := startBackground(stop, t.Context(), workers, waiting, func(context.Context, string) {
		n := running.Add(1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		<-free
		running.Add(-1)
		done.Add(1)
	})
	for range workers + waiting {
		if err := b.add(stop, "x"); err != nil {
			t.Fatal(err)
		}
	}
	short, cancel := context.WithTimeout(stop, 50*time.Millisecond)
	defer cancel()
	if err := b.add(short, "one too many"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one too many: got %v", err)
	}
	stopNow()
	if err := b.add(stop, "after the end"); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: got %v", err)
	}
	close(free)
	b.close()
	if got := most.Load(); got != workers {
		t.Errorf("%d at a time, want %d", got, workers)
	}
	if got := done.Load(); got != workers {
		t.Errorf("%d were done, want the %d that had been begun", got, workers)
	}
}

func TestWrongUse(t *testing.T) {
	p := newPlace(t)
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"-help"}, 0, "-grace"},
		{[]string{"-bogus"}, 2, "bogus"},
		{[]string{"-workers", "0"}, 2, "makes no sense"},
		{[]string{"more"}, 2, "makes no sense"},
		{[]string{"-private-key", "none"}, 1, "none"},
		{[]string{"-dir", p.file, "-steps", "1"}, 1, "key.priv"},
	} {
		code, _, stderr := p.run(t, c.args...)
		if code != c.code || !strings.Contains(stderr, c.says) {
			t.Errorf("%q: exit code %d, %s", c.args, code, stderr)
		}
	}
}

// A failure to sign is said, and the checkpoint is not lost.
func TestFailureIsReported(t *testing.T) {
	p := newPlace(t)
	if err := os.MkdirAll(filepath.Join(string(p.store), nameOf(7)), 0o777); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := p.run(t, "-steps", "1")
	if code != 1 || !strings.Contains(stdout, "no file to hash") || stderr != "orchestrator: 1 checkpoints are left without a signature\n" {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
	if signed, unsigned := p.check(t); signed != 1 || unsigned != 1 {
		t.Errorf("%d are signed, %d are not", signed, unsigned)
	}
}
