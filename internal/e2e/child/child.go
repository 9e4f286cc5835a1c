// Package child is the servers' half of how package e2e starts them: on a socket that they inherit, and for
// as long as their standard input is open, so that none outlives the test that started it.
package child

import (
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// Listener returns the socket that the server is to serve on, file descriptor 3.
func Listener() (net.Listener, error) {
	return net.FileListener(os.NewFile(3, "listener"))
}

// ExitWithParent ends the process when standard input does, after it has called last.
func ExitWithParent(last func()) {
	go func() {
		io.Copy(io.Discard, os.Stdin)
		last()
		os.Exit(0)
	}()
}

// Serve answers HTTP requests until the process ends.
func Serve(ln net.Listener, h http.Handler) error {
	s := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	return s.Serve(ln)
}
