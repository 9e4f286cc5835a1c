//go:build linux

package slurm_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A task that could not read something puts itself back into the queue, and merging goes on waiting for it. So does merging
// if it does not see all parts, which are there once all tasks have succeeded.
func TestRetry(t *testing.T) {
	if os.Getenv("MODEL_SIGNING_SLURM") == "" {
		t.Skip("MODEL_SIGNING_SLURM is not set: without Slurm, see CONTRIBUTING.md")
	}
	bin, work := t.TempDir(), t.TempDir()
	program := filepath.Join(bin, "program")
	if out, err := exec.Command("go", "build", "-tags=nosigstore", "-o", program, "../../examples/model-signing").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	model := filepath.Join(t.TempDir(), "model")
	if err := os.Mkdir(model, 0o777); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := os.WriteFile(filepath.Join(model, fmt.Sprint(i)), []byte{byte(i)}, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(work, "elsewhere"), []byte("content"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(work, "elsewhere"), filepath.Join(model, "link")); err != nil {
		t.Fatal(err)
	}
	failing := fmt.Sprintf(`#!/bin/sh
[ "$1" = digest ] && [ "$4" = 1/3 ] && mkdir %[1]s/digested 2>/dev/null && exit 3
[ "$1" = merge ] && mkdir %[1]s/merged 2>/dev/null && exit 6
exec %[2]s "$@"
`, work, program)
	if err := os.WriteFile(filepath.Join(bin, "model-signing"), []byte(failing), 0o755); err != nil {
		t.Fatal(err)
	}
	c := start(t, bin)
	key, err := filepath.Abs(filepath.Join(keys, "pkcs8.pem"))
	c.must(err)
	c.env = append(c.env, "SIGN_FLAGS=key --private-key "+key, "MODEL_FLAGS=--allow-symlinks")
	_, merge := jobs(t, c.run(filepath.Join(scripts, "submit.sh"), model, work, "3"))
	c.await("the signature", func() bool {
		state := c.state(merge)
		if state != "PENDING" && state != "RUNNING" && state != "COMPLETED" && state != "COMPLETING" {
			t.Fatalf("the job that merges is %s", state)
		}
		return state == "COMPLETED"
	})
	for _, name := range []string{"digested", "merged"} {
		if _, err := os.Stat(filepath.Join(work, name)); err != nil {
			t.Errorf("nothing failed: %v", err)
		}
	}
	checkSigned(c, program, model, work, "--allow-symlinks")
}
