package main

import (
	"os"
	"path/filepath"
)

// tufCache returns the folder where Sigstore's programs keep what comes through TUF, or nothing if there is no home.
func tufCache() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".sigstore", "root")
}
