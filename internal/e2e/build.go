//go:build unix

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
)

var built struct {
	sync.Mutex
	done bool
}

// build makes the servers, or finds them up to date. Test binaries of several packages may do so at once.
func build(ctx context.Context) error {
	built.Lock()
	defer built.Unlock()
	if built.done {
		return nil
	}
	if err := os.MkdirAll(binary(""), 0o755); err != nil {
		return err
	}
	lock, err := os.Create(binary(".lock"))
	if err != nil {
		return err
	}
	defer lock.Close() // releases the lock
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary("")+string(filepath.Separator), "./cmd/service", "./cmd/rekor-v1", "tool")
	cmd.Dir = filepath.Dir(binary(""))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the servers: %w\n%s", err, out)
	}
	built.done = true
	return nil
}

// binary is the path of a server. Those that we do not write ourselves have the name of their package.
func binary(name string) string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), ".bin", name)
}
