//go:build !linux

package largefile

const flag = 0
