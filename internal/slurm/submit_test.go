//go:build linux

package slurm_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Whoever forgets how to sign is told before the model is hashed.
func TestSubmitWithoutFlags(t *testing.T) {
	work := filepath.Join(t.TempDir(), "work")
	cmd := exec.Command(filepath.Join(scripts, "submit.sh"), t.TempDir(), work, "3")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "SIGN_FLAGS") {
		t.Errorf("got %q, %v", out, err)
	}
	if _, err := os.Stat(work); err == nil {
		t.Error("something was begun")
	}
}
