//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// waiting serves as a timestamp authority, which does not answer before it is told to.
func waiting(t *testing.T) (url string, asked <-chan bool, answer chan<- bool) {
	t.Helper()
	was, may := make(chan bool, 1), make(chan bool, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not see that nobody waits any more
		was <- true
		select {
		case <-may:
			http.Error(w, "not today", http.StatusTeapot)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, was, may
}

// wait sees that the authority was asked.
func wait(t *testing.T, asked <-chan bool) {
	t.Helper()
	select {
	case <-asked:
	case <-time.After(time.Minute):
		t.Fatal("the timestamp authority was not asked")
	}
}

// interrupts are the signals that a command heeds. A test under nohup passes on that it ignores one.
func interrupts() []syscall.Signal {
	signals := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// A child is a command that runs as a program of its own.
type child struct {
	*exec.Cmd
	out bytes.Buffer
}

func start(t *testing.T, dir, program string, args ...string) *child {
	t.Helper()
	c := &child{Cmd: exec.Command(program, args...)}
	c.Dir, c.Stdout, c.Stderr = dir, &c.out, &c.out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() })
	return c
}

// ends waits for the exit code and what was printed.
func (c *child) ends(t *testing.T, code int, want string) {
	t.Helper()
	var failed *exec.ExitError
	if err := c.Wait(); err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	if got := c.ProcessState.ExitCode(); got != code || !strings.Contains(c.out.String(), want) {
		t.Errorf("got the exit code %d and %s, want %d and %s", got, &c.out, code, want)
	}
}

func smallModel(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := errors.Join(writeKeys(filepath.Join(dir, "key")), os.WriteFile(filepath.Join(dir, "model"), []byte("m"), 0o666)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// An interrupted command says so, and what is there instead of what it was to write.
func TestInterruptedSign(t *testing.T) {
	run, dir := program(t), smallModel(t)
	url, asked, _ := waiting(t)
	sign := []string{"sign", "key", "model", "--private-key", "key.priv", "--tsa-url", url}
	create := []string{"provenance", "create", "key", "model", "--private-key", "key.priv", "--tsa-url", url, "--builder-id", "https://example.com"}
	name := filepath.Join(dir, "model.sig")
	for i, s := range interrupts() {
		c := start(t, dir, run, sign...)
		wait(t, asked)
		if err := c.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		c.ends(t, exitFailed, "model-signing: interrupted: no signature was written\n")
		if _, err := os.Stat(name); err == nil {
			t.Errorf("signal %d: there is a signature", i)
		}
	}
	c := start(t, dir, run, append(create, "--output", "json")...)
	wait(t, asked)
	_ = c.Process.Signal(os.Interrupt)
	c.ends(t, exitFailed, `{"error":{"kind":"canceled","exit_code":3,"message":"interrupted: no provenance was written"}}`)

	if code := job(t, run, dir, sign[:5]...); code != 0 {
		t.Fatal("signing")
	}
	before, _ := os.ReadFile(name)
	c = start(t, dir, run, sign...)
	wait(t, asked)
	_ = c.Process.Signal(os.Interrupt)
	c.ends(t, exitFailed, "model-signing: interrupted: no signature was written, and the old one stands: model.sig\n")
	if after, err := os.ReadFile(name); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the signature is another one: %v", err)
	}
}

// Under nohup, a command does not heed that the terminal is gone.
func TestNohup(t *testing.T) {
	run, dir := program(t), smallModel(t)
	url, asked, answer := waiting(t)
	c := start(t, dir, "sh", "-c", `trap "" HUP; exec "$0" "$@"`, run, "sign", "key", "model", "--private-key", "key.priv", "--tsa-url", url)
	wait(t, asked)
	if err := c.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	answer <- true
	c.ends(t, exitFailed, fmt.Sprint(http.StatusTeapot))
}

// Each signal leaves nothing of a copy.
func TestInterruptedCopy(t *testing.T) {
	run, dir := program(t), smallModel(t)
	large := filepath.Join(dir, "large")
	if err := errors.Join(os.WriteFile(large, nil, 0o666), os.Truncate(large, 256<<20)); err != nil {
		t.Fatal(err)
	}
	if code := job(t, run, dir, "sign", "key", "large", "--private-key", "key.priv"); code != 0 {
		t.Fatal("signing")
	}
	if err := os.Truncate(large, 64<<30); err != nil { // so that it takes long enough
		t.Skip("no sparse files of 64 GiB here: ", err)
	}
	for _, s := range interrupts() {
		c := start(t, dir, run, "verify", "key", "large", "--signature", "model.sig", "--public-key", "key.pub", "--copy-to", "copy")
		half := filepath.Join(dir, ".copy-*.tmp")
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if found, _ := filepath.Glob(half); len(found) > 0 {
				break
			}
		}
		if err := c.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		c.ends(t, exitFailed, "model-signing: interrupted\n")
		for _, name := range []string{half, filepath.Join(dir, "copy")} {
			if found, _ := filepath.Glob(name); len(found) > 0 {
				t.Errorf("%v: %q is left", s, found)
			}
		}
	}
}
