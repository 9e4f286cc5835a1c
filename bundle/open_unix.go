//go:build unix

package bundle

import (
	"os"
	"syscall"
)

// openNonblock does not wait for the other end of a FIFO.
func openNonblock(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}
