package verifying

import (
	"path/filepath"
	"testing"
)

// A file of a copy may be larger than 2 GiB, in 32-bit programs too.
func TestCopyDirLargeFile(t *testing.T) {
	d, err := newCopyDir(filepath.Join(t.TempDir(), "model"), []string{"a"}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer d.remove()
	w, err := d.create("a")
	if err != nil {
		t.Fatal(err)
	}
	f := w.(syncedFile).f
	defer f.Close()
	if _, err := f.WriteAt([]byte{1}, 1<<31); err != nil {
		t.Error(err)
	}
}
