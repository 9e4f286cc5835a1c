package verifying_test

import (
	"crypto/elliptic"
	"errors"
	"io"
	"io/fs"
	"testing"
	"testing/fstest"
	"testing/iotest"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

func TestModelClose(t *testing.T) {
	model, sig, key := signed(t, hashing.Config(), map[string]string{"a": "123456", "b": "1"})
	m := must(verifier(key).SetMaxBuffer(3).OpenModel(t.Context(), model, sig))
	two := make([]byte, 2)
	for name, test := range map[string]struct {
		use  func(f io.ReadSeeker)
		want error
	}{
		"not read":         {func(io.ReadSeeker) {}, nil},
		"read":             {func(f io.ReadSeeker) { io.ReadAll(f) }, nil},
		"partly read":      {func(f io.ReadSeeker) { f.Read(two) }, verifying.ErrUnverified},
		"begun again":      {func(f io.ReadSeeker) { f.Read(two); f.Seek(0, 0); io.ReadAll(f) }, verifying.ErrUnverified},
		"read from inside": {func(f io.ReadSeeker) { f.Seek(2, 0); io.ReadAll(f) }, nil},
		"beside":           {func(f io.ReadSeeker) { f.Read(two); f.(io.ReaderAt).ReadAt(two, 3); io.ReadAll(f) }, nil},
	} {
		f := must(m.Open("a"))
		test.use(f.(io.ReadSeeker))
		if err := f.Close(); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v", name, err)
		}
		if err := f.Close(); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s, again: got %v", name, err)
		}
		if _, err := f.Read(two); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s, read: got %v", name, err)
		}
	}
	m.Close()
	if _, err := m.Open("a"); err == nil {
		t.Error("a closed model opens files")
	}
}

// Errors of the source are not taken for changes.
func TestModelReadError(t *testing.T) {
	key := newKey(t, elliptic.P256())
	fsys := fstest.MapFS{"w": {Data: []byte("12345")}}
	b := must(signing.Config().UseEllipticKeySigner(signing.EllipticKey{Key: key}).SignFS(t.Context(), fsys, "m"))
	for _, buffer := range []int64{0, -1} {
		m := must(verifier(key).SetMaxBuffer(buffer).OpenModelFS(t.Context(), brokenFS{fsys}, "m", b))
		if _, err := m.ReadFile("w"); !errors.Is(err, iotest.ErrTimeout) || errors.As(err, new(*verifying.MismatchError)) {
			t.Errorf("%d: got %v", buffer, err)
		}
		f := must(m.Open("w"))
		if _, err := io.ReadAll(f); !errors.Is(err, iotest.ErrTimeout) {
			t.Errorf("%d: got %v", buffer, err)
		}
		f.Close()
	}
}

type brokenFS struct{ fs.FS }

func (b brokenFS) Open(name string) (fs.File, error) {
	f, err := b.FS.Open(name)
	if name == "w" && err == nil {
		return brokenFile{f}, nil
	}
	return f, err
}

type brokenFile struct{ fs.File }

func (brokenFile) Read([]byte) (int, error) { return 0, iotest.ErrTimeout }
