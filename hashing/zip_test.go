package hashing_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
)

// zipped returns an archive with the given entries.
func zipped(t *testing.T, entries ...zip.FileHeader) *zip.Reader {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, h := range entries {
		f, err := w.CreateHeader(&h)
		must(t, err)
		_, err = f.Write([]byte("data"))
		must(t, err)
	}
	must(t, w.Close())
	r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	must(t, err)
	return r
}

// What docs/streaming.md says of archives.
func TestZip(t *testing.T) {
	m, err := hashing.Config().HashFS(t.Context(), zipped(t, zip.FileHeader{Name: "a/b"}, zip.FileHeader{Name: "../x"}), "m")
	must(t, err)
	equal(t, "resources", lines(m), wants("a/b", "data", "x", "data"))
	if _, err := hashing.Config().HashFS(t.Context(), zipped(t, zip.FileHeader{Name: "a"}, zip.FileHeader{Name: "a"}), "m"); err == nil {
		t.Error("a name that is there twice is accepted")
	}
	link := zip.FileHeader{Name: "l"}
	link.SetMode(fs.ModeSymlink | 0o777)
	if _, err := hashing.Config().HashFS(t.Context(), zipped(t, link), "m"); !errors.Is(err, hashing.ErrSymlink) {
		t.Errorf("link: got %v", err)
	}
}
