//go:build linux

package slurm_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	slices  = 12
	scripts = "../../examples/slurm"
	keys    = "../keys/testdata"
)

// A real Slurm hashes all slices of a model with the scripts of examples/slurm. One task is killed, and submitted again;
// another one is requeued, as when its node dies. What is merged and signed is the manifest of the whole.
func TestSlurm(t *testing.T) {
	if os.Getenv("MODEL_SIGNING_SLURM") == "" {
		t.Skip("MODEL_SIGNING_SLURM is not set: without Slurm, see CONTRIBUTING.md")
	}
	bin := t.TempDir()
	program := filepath.Join(bin, "model-signing")
	if out, err := exec.Command("go", "build", "-tags=nosigstore", "-o", program, "../../examples/model-signing").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	model, work := filepath.Join(t.TempDir(), "model"), t.TempDir()
	makeModel(t, model)
	c := start(t, bin)
	key, err := filepath.Abs(filepath.Join(keys, "pkcs8.pem"))
	c.must(err)
	c.env = append(c.env, "SIGN_FLAGS=key --private-key "+key, "RECHECK=10%")

	submit := []string{filepath.Join(scripts, "submit.sh"), model, work, fmt.Sprint(slices)}
	array, merge := jobs(t, c.run(submit...))
	victim, moved := array+"_0", array+"_1" // which have the two large files
	c.await("two tasks that run", func() bool { return c.state(victim) == "RUNNING" && c.state(moved) == "RUNNING" })
	c.run("scancel", "--signal=KILL", "--full", victim)
	c.run("scontrol", "requeue", moved)
	c.await("the merging to be given up", func() bool { return c.state(merge) == "CANCELLED" })
	c.await("the other tasks", func() bool {
		for i := 1; i < slices; i++ {
			if c.state(fmt.Sprintf("%s_%d", array, i)) != "COMPLETED" {
				return false
			}
		}
		return true
	})
	if _, err := os.Stat(filepath.Join(work, "parts", "0.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the part of the task that was killed: %v", err)
	}
	if out, err := c.try(program, "merge", filepath.Join(work, "parts"), "-o", filepath.Join(work, "manifest.json")); err == nil || strings.TrimSpace(out) != "0" {
		t.Errorf("merging without that task: got %q, %v", out, err)
	}

	_, merge = jobs(t, c.run(append(submit, "0")...))
	c.await("the signature", func() bool {
		state := c.state(merge)
		if state != "PENDING" && state != "RUNNING" && state != "COMPLETED" && state != "COMPLETING" {
			t.Fatalf("the job that merges is %s", state)
		}
		return state == "COMPLETED"
	})
	checkSigned(c, program, model, work)
}

// makeModel makes a model with two files that take a few seconds each, though no room on the disk, and small ones.
func makeModel(t *testing.T, root string) {
	t.Helper()
	if err := os.Mkdir(root, 0o777); err != nil {
		t.Fatal(err)
	}
	for i := range 102 {
		name := filepath.Join(root, fmt.Sprintf("%03d", i))
		if err := os.WriteFile(name, []byte(name), 0o666); err != nil {
			t.Fatal(err)
		}
		if i < 2 {
			if err := os.Truncate(name, 3<<30-int64(i)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// jobs are the numbers that submit.sh prints.
func jobs(t *testing.T, printed string) (array, merge string) {
	t.Helper()
	fields := strings.Fields(printed)
	if len(fields) != 2 {
		t.Fatalf("submit.sh says %q", printed)
	}
	return fields[0], fields[1]
}

func checkSigned(c *cluster, program, model, work string, flags ...string) {
	c.Helper()
	whole := filepath.Join(work, "whole.json")
	c.run(append([]string{program, "digest", model, "-o", whole}, flags...)...)
	want, err1 := os.ReadFile(whole)
	got, err2 := os.ReadFile(filepath.Join(work, "manifest.json"))
	if err := errors.Join(err1, err2); err != nil || !bytes.Equal(got, want) {
		c.Errorf("the manifest is not that of the whole model: %v", err)
	}
	c.run(program, "verify", "key", "--manifest", whole, "--signature", filepath.Join(work, "model.sig"),
		"--public-key", filepath.Join(keys, "public.pem"))
	log, err := os.ReadFile(filepath.Join(work, "log", "merge.log"))
	if err != nil || !strings.Contains(string(log), "Signing succeeded") {
		c.Errorf("the log of the job that merges: %v\n%s", err, log)
	}
}
