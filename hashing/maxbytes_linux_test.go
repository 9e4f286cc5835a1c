package hashing_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
)

// Small files are read only until they are too much.
func TestMaxBytesSmall(t *testing.T) {
	root := t.TempDir()
	for i := range 200 {
		d := filepath.Join(root, fmt.Sprint(i))
		must(t, os.Mkdir(d, 0o777))
		must(t, os.WriteFile(filepath.Join(d, "f"), make([]byte, 100<<10), 0o666))
	}
	before := bytesRead(t)
	if _, err := hashing.Config().SetMaxWorkers(1).SetMaxBytes(1 << 20).Hash(root); !errors.Is(err, hashing.ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
	if n := bytesRead(t) - before; n > 3<<20 { // each twice, since they were just made
		t.Errorf("%d bytes were read", n)
	}
}
