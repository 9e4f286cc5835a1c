//go:build !linux

package hashing

import "path/filepath"

// realPath returns the path of a file, without links.
func realPath(name string) (string, error) { return filepath.EvalSymlinks(name) }
