//go:build linux || dragonfly || openbsd || solaris || illumos

package hashing

import "syscall"

func ctimeOf(st *syscall.Stat_t) int64 { return st.Ctim.Nano() }
