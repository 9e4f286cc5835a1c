//go:build !nosigstore

package sigstore_test

import (
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// With a trusted root that is given, verifying works where there is no network at all: this test runs the
// others again in a network namespace of their own, which has not even a loopback interface that is up.
func TestOffline(t *testing.T) {
	if os.Getenv("MODEL_SIGNING_OFFLINE") == "1" {
		if c, err := net.Dial("udp", "192.0.2.1:53"); err == nil {
			c.Close()
			t.Fatal("there is a network")
		}
		return
	}
	cmd := exec.Command(os.Args[0], "-test.v", "-test.run=^(TestOffline|TestWorkflow|TestHistorical|TestIdentities|TestTampered)$")
	cmd.Env = append(os.Environ(), "MODEL_SIGNING_OFFLINE=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
	}
	out, err := cmd.CombinedOutput()
	if exit, ok := err.(*exec.ExitError); err != nil && !ok {
		t.Skipf("this kernel lets us have no network namespace: %v, %v", err, exit)
	}
	if err != nil {
		t.Errorf("without network: %v\n%s", err, out)
	}
}
