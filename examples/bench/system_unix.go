//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
)

// peakMemory is the greatest resident set of a process, or of one of those that it waited for.
func peakMemory(p *os.ProcessState) int64 {
	usage, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return int64(usage.Maxrss)
	}
	return int64(usage.Maxrss) << 10
}
