//go:build !unix

package bundle

import "os"

func openNonblock(name string) (*os.File, error) { return os.Open(name) }
