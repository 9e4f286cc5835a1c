//go:build unix

package verifying_test

import (
	"syscall"
	"time"
)

// used returns the time that processors have spent on this program, which does not count what others do.
func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
