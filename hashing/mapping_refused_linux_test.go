//go:build amd64

package hashing_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// Where the system refuses to map more, what is left is read, and digests are the same. Others of this process would keep
// the filter, so that another is started.
func TestMappingRefused(t *testing.T) {
	const variable = "MODEL_SIGNING_TEST_REFUSE"
	if os.Getenv(variable) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestMappingRefused$", "-test.v")
		cmd.Env = append(os.Environ(), variable+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v:\n%s", err, out)
		}
		if bytes.Contains(out, []byte("--- SKIP")) {
			t.Skipf("in the other process:\n%s", out)
		}
		return
	}
	root := mappableDir(t)
	const size = 6<<20 + 1234
	for i := range 17 {
		must(t, os.WriteFile(filepath.Join(root, fmt.Sprint(i)), random(size, i), 0o666))
	}
	refuse(t)
	for _, a := range []manifest.Algorithm{manifest.SHA256, manifest.BLAKE3} {
		c := hashing.Config().UseFileSerialization(hashing.Files{Algorithm: a})
		want, err := c.Hash(root)
		must(t, err)
		for _, workers := range []int{1, 2, 60} { // of which sixty read ahead
			before := bytesRead(t)
			got, err := c.SetMapped(true).SetMaxWorkers(workers).Hash(root)
			must(t, err)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %d workers: digests differ", a, workers)
			}
			if n := bytesRead(t) - before; n < size || n > 17*size {
				t.Errorf("%s, %d workers: %d bytes were read, want what could not be mapped", a, workers, n)
			}
		}
	}
}

// refuse has the system map no file at an offset in whose number of bytes 2 MiB is set, for the rest of the process.
func refuse(t *testing.T) {
	t.Helper()
	const number, flags, offset = 0, 16 + 3*8, 16 + 5*8 // in struct seccomp_data
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	no := func(err unix.Errno) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET, K: unix.SECCOMP_RET_ERRNO | uint32(err)}
	}
	filter := []unix.SockFilter{
		load(number),
		{Code: unix.BPF_JMP | unix.BPF_JEQ, Jf: 5, K: unix.SYS_MMAP},
		load(flags),
		{Code: unix.BPF_JMP | unix.BPF_JSET, Jf: 3, K: unix.MAP_SHARED},
		load(offset),
		{Code: unix.BPF_JMP | unix.BPF_JSET, Jf: 1, K: 2 << 20},
		no(unix.ENOMEM),
		{Code: unix.BPF_RET, K: unix.SECCOMP_RET_ALLOW},
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	must(t, unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		t.Skip("this system has no filters for system calls: ", errno)
	}
}
