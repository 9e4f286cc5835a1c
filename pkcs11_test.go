//go:build cgo

package modelsigning_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

var shBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```")

// The walk-through of docs/pkcs11.md works as it stands, but for what it installs.
func TestPKCS11WalkThrough(t *testing.T) {
	if os.Getenv("MODEL_SIGNING_SOFTHSM") == "" || runtime.GOOS != "linux" {
		t.Skip("set MODEL_SIGNING_SOFTHSM on Debian to test with SoftHSM")
	}
	text, err := os.ReadFile(filepath.Join(repository, "docs", "pkcs11.md"))
	if err != nil {
		t.Fatal(err)
	}
	script := "set -e\n"
	for _, block := range shBlock.FindAllSubmatch(text, -1) {
		if !strings.HasPrefix(string(block[1]), "sudo apt-get install ") {
			script += string(block[1])
		}
	}
	cmd := exec.Command("sh")
	cmd.Stdin = strings.NewReader(strings.ReplaceAll(script, "/usr/lib/softhsm/libsofthsm2.so", os.Getenv("MODEL_SIGNING_SOFTHSM")))
	cmd.Dir = repository
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH"} {
		value, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Env = append(cmd.Env, name+"="+strings.TrimSpace(string(value)))
	}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "Verification succeeded") {
		t.Errorf("%v\n%s", err, out)
	}
}
