package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// machine describes this one as far as Linux tells.
func machine() string {
	cpu := runtime.GOARCH
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			cpu = strings.TrimSpace(value)
			break
		}
	}
	return fmt.Sprintf("%s, %d processors, %s, %s", cpu, runtime.NumCPU(), runtime.GOOS, runtime.Version())
}

// load is how many processes wanted a processor in the last minute, where the system tells.
func load() string {
	avg, _ := os.ReadFile("/proc/loadavg")
	one, _, _ := strings.Cut(string(avg), " ")
	return one
}
