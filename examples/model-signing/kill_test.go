package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/manifest"
)

// program returns the path of the command line as a program of its own, which TestMain makes of this one.
func program(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "model-signing")
	if err := os.Symlink(self, name); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	return name
}

// A slice that is killed, at whatever point, leaves no part; hashing that slice again is all that is missing.
func TestKilledSlice(t *testing.T) {
	run := program(t)
	dir := t.TempDir()
	do := func(args ...string) {
		t.Helper()
		cmd := exec.Command(run, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
	}
	largeModel(t, filepath.Join(dir, "model"))
	shards := []string{"--serialization-method", "shards", "--shard-size", "1000000"}
	start := time.Now()
	do(append([]string{"digest", "model", "-o", "whole.json"}, shards...)...)
	took := time.Since(start)
	do(append([]string{"plan", "model", "-n", "3", "-o", "plan.json"}, shards...)...)
	if err := os.Mkdir(filepath.Join(dir, "parts"), 0o777); err != nil {
		t.Fatal(err)
	}
	slice := func(i int) []string {
		return []string{"digest", "model", "--plan", "plan.json", "--slice", fmt.Sprintf("%d/3", i), "-o", fmt.Sprintf("parts/%d.json", i)}
	}
	do(slice(0)...)
	do(slice(2)...)
	killed := 0
	for range 25 {
		if killAfter(t, dir, time.Duration(rand.Int64N(int64(took))), run, slice(1)...) {
			killed++
		}
		checkPartOrNone(t, filepath.Join(dir, "parts", "1.json"))
	}
	t.Logf("%d of 25 were killed", killed)
	if killed == 0 {
		t.Error("none was killed, which tests nothing")
	}
	do(slice(1)...)
	do("merge", "parts", "-o", "manifest.json")
	want, err1 := os.ReadFile(filepath.Join(dir, "whole.json"))
	got, err2 := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err := errors.Join(err1, err2); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the manifest is another one: %v", err)
	}
}

// largeModel makes a model that takes a moment to hash, and little room on the disk.
func largeModel(t *testing.T, root string) {
	t.Helper()
	if err := os.Mkdir(root, 0o777); err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		name := filepath.Join(root, fmt.Sprint(i))
		if err := os.WriteFile(name, []byte(name), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(name, 40<<20); err != nil {
			t.Fatal(err)
		}
	}
}

// killAfter runs a program and kills it after a while, and reports whether it was still there to be killed.
func killAfter(t *testing.T, dir string, after time.Duration, program string, args ...string) bool {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(after)
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	return cmd.Wait() != nil
}

// checkPartOrNone sees that there is a whole part or none, and takes it away.
func checkPartOrNone(t *testing.T, name string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		_, err = manifest.ParsePartial(data)
	}
	if err == nil {
		err = os.Remove(name)
	}
	if err != nil {
		t.Error(err)
	}
}
