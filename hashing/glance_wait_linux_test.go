package hashing_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modelsigning/modelsigning/hashing"
)

// What the system makes opening wait for, such as a scanner for viruses, holds up no other goroutine: not even the
// collection of garbage, which needs all of them to stop. A child hashes, and here is what it has to wait for.
func TestOpeningHoldsUpNobody(t *testing.T) {
	if root := os.Getenv("HOLDS_UP_NOBODY"); root != "" {
		done := make(chan error, 1)
		go func() {
			_, err := hashing.Hash(root)
			done <- err
		}()
		bufio.NewReader(os.Stdin).ReadString('\n') // until the file is about to be opened
		runtime.GC()
		os.Stdout.WriteString("collected\n")
		must(t, <-done)
		return
	}
	root := glanceDir(t)
	must(t, os.WriteFile(filepath.Join(root, "f"), []byte("1"), 0o666))
	scanner, err := unix.FanotifyInit(unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC, unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		t.Skip("only root may make files wait: ", err)
	}
	scans := os.NewFile(uintptr(scanner), "fanotify")
	defer scans.Close() // which lets all go that wait
	if err := unix.FanotifyMark(scanner, unix.FAN_MARK_ADD, unix.FAN_OPEN_PERM|unix.FAN_EVENT_ON_CHILD, unix.AT_FDCWD, root); err != nil {
		t.Skip("this system can't make files wait: ", err)
	}
	child := exec.Command(os.Args[0], "-test.run=^TestOpeningHoldsUpNobody$")
	child.Env = append(os.Environ(), "HOLDS_UP_NOBODY="+root)
	in, err := child.StdinPipe()
	must(t, err)
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	defer func() {
		scans.Close()
		if err := child.Wait(); err != nil {
			t.Error("the child failed: ", err)
		}
	}()
	waiting := []unix.PollFd{{Fd: int32(scanner), Events: unix.POLLIN}}
	n, err := unix.Poll(waiting, 10_000)
	for err == unix.EINTR {
		n, err = unix.Poll(waiting, 10_000)
	}
	if n != 1 {
		child.Process.Kill()
		t.Fatal("nothing is opened: ", err)
	}
	in.Write([]byte("\n"))
	collected := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(out).ReadString('\n')
		collected <- line
	}()
	select {
	case line := <-collected:
		if line != "collected\n" {
			t.Errorf("the child said %q", line)
		}
	case <-time.After(5 * time.Second):
		t.Error("the collection of garbage waits for a file to be opened")
	}
}
