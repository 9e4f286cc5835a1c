package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// job runs the command line as a program of its own, and returns its exit code.
func job(t *testing.T, run, dir string, args ...string) int {
	t.Helper()
	cmd := exec.Command(run, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Errorf("%q: %v", args, err)
	}
	if err != nil {
		t.Logf("%q: %v, %s", args, err, bytes.TrimSpace(out))
	}
	return cmd.ProcessState.ExitCode()
}

// Jobs that hash the same slice at once all succeed: what they write is the same.
func TestSameSliceTwice(t *testing.T) {
	run, dir := program(t), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "model"), []byte("content"), 0o666); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		var jobs sync.WaitGroup
		for range 3 {
			jobs.Go(func() {
				if code := job(t, run, dir, "digest", "model", "--slice", "0/1", "-o", "0.json"); code != 0 {
					t.Errorf("got the exit code %d", code)
				}
			})
		}
		jobs.Wait()
		if code := job(t, run, dir, "merge", "0.json", "-o", "manifest.json"); code != 0 {
			t.Errorf("merging: got the exit code %d", code)
		}
		os.Remove(filepath.Join(dir, "0.json"))
	}
}

// Hashing takes long. What somebody else has put under the name meanwhile, and is no part, stays there.
func TestOtherFileMeanwhile(t *testing.T) {
	run, dir := program(t), t.TempDir()
	largeModel(t, filepath.Join(dir, "model"))
	code := make(chan int)
	go func() { code <- job(t, run, dir, "digest", "model", "--slice", "0/1", "-o", "new/0.json") }()
	name := filepath.Join(dir, "new", "0.json")
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if os.WriteFile(name, []byte("years of work"), 0o666) == nil { // the directory is made before hashing
			break
		}
	}
	if got := <-code; got != exitUsage {
		t.Errorf("got the exit code %d", got)
	}
	if data, err := os.ReadFile(name); string(data) != "years of work" {
		t.Errorf("%q is there now, %v", data, err)
	}
}

// A model that changes while it is rechecked has changed between the jobs.
func TestChangedWhileRechecked(t *testing.T) {
	run, dir := program(t), t.TempDir()
	largeModel(t, filepath.Join(dir, "model"))
	if code := job(t, run, dir, "digest", "model", "--slice", "0/1", "-o", "0.json"); code != 0 {
		t.Fatalf("got the exit code %d", code)
	}
	code := make(chan int)
	go func() {
		code <- job(t, run, dir, "merge", "0.json", "-o", "manifest.json", "--model", "model", "--recheck", "100%")
	}()
	for at := time.Unix(1e9, 0); ; at = at.Add(time.Second) {
		select {
		case got := <-code:
			if got != exitTreeChanged {
				t.Errorf("got the exit code %d", got)
			}
			return
		case <-time.After(time.Millisecond):
			if err := os.Chtimes(filepath.Join(dir, "model", "5"), at, at); err != nil {
				t.Error(err)
			}
		}
	}
}
