package verifying_test

import (
	"bytes"
	"crypto/elliptic"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/verifying"
)

// ways are ways to sign a model that matter for reading it.
var ways = map[string]hashing.Configuration{
	"files":       hashing.Config(),
	"blake3":      hashing.Config().UseFileSerialization(hashing.Files{Algorithm: manifest.BLAKE3}),
	"shards":      hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 3_000, Algorithm: manifest.BLAKE2b}),
	"tiny shards": hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 7}),
	"one shard":   hashing.Config().UseShardSerialization(hashing.Shards{}),
}

// buffers are what a model may hold in memory: anything, nothing, and what makes files of both kinds.
var buffers = []int64{0, -1, 10, 4_000}

// sequentialFS has files that can only be read, from their beginning to their end.
type sequentialFS struct{ fs.FS }

func (s sequentialFS) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	if info, e := fs.Stat(s.FS, name); err == nil && e == nil && !info.IsDir() {
		return struct{ fs.File }{f}, nil
	}
	return f, err
}

func TestModelFS(t *testing.T) {
	files := map[string]string{"weights": strings.Repeat("0123456789", 500), "d/e/f": "abc", "d/g": "x", ".gitignore": "y", "none": ""}
	for name, h := range ways {
		model, sig, key := signed(t, h, files)
		b := must(bundle.ReadFile(sig))
		want := []string{"weights", "d/e/f", "d/g"}
		if name == "files" || name == "blake3" {
			want = append(want, "none")
		}
		for _, buffer := range buffers {
			c := verifier(key).SetMaxBuffer(buffer)
			for source, m := range map[string]*verifying.Model{
				"path":       must(c.OpenModel(t.Context(), model, sig)),
				"fs":         must(c.OpenModelFS(t.Context(), os.DirFS(model), "m", b)),
				"sequential": must(c.OpenModelFS(t.Context(), sequentialFS{os.DirFS(model)}, "m", b)),
			} {
				if err := fstest.TestFS(m, want...); err != nil {
					t.Errorf("%s, %d, %s: %v", name, buffer, source, err)
				}
				for _, hidden := range []string{".gitignore", "../model/weights", "d/../weights", "none/x"} {
					if _, err := m.Open(hidden); !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
						t.Errorf("%s: %s: got %v", name, hidden, err)
					}
				}
				if err := m.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// Whatever the order of reading, what is read is what was signed.
func TestModelReads(t *testing.T) {
	content := make([]byte, 10_003)
	for i := range content {
		content[i] = byte(rand.Uint32())
	}
	for name, h := range ways {
		model, sig, key := signed(t, h, map[string]string{"weights": string(content)})
		for _, buffer := range buffers {
			m := must(verifier(key).SetMaxBuffer(buffer).OpenModel(t.Context(), model, sig))
			f := must(m.Open("weights"))
			file := f.(interface {
				io.ReadSeeker
				io.ReaderAt
			})
			if got := must(m.ReadFile("weights")); !bytes.Equal(got, content) {
				t.Errorf("%s, %d: ReadFile has %d bytes", name, buffer, len(got))
			}
			for range 30 {
				off, n := rand.IntN(len(content)), rand.IntN(7_000)
				part, end := make([]byte, n), min(off+n, len(content))
				if got, err := file.ReadAt(part, int64(off)); !bytes.Equal(part[:got], content[off:end]) || (err == io.EOF) != (off+n > len(content)) {
					t.Errorf("%s, %d: ReadAt %d: got %d of %d, %v", name, buffer, off, got, n, err)
				}
				off = rand.IntN(len(content))
				must(file.Seek(int64(off), io.SeekStart))
				got, err := io.ReadAll(io.LimitReader(file, int64(n)))
				if !bytes.Equal(got, content[off:min(off+n, len(content))]) || err != nil {
					t.Errorf("%s, %d: Read from %d: got %d of %d, %v", name, buffer, off, len(got), n, err)
				}
			}
			f.Close()
			m.Close()
		}
	}
}

// A change after the model was opened is an error, and nothing of it is handed out by what promises that.
func TestModelChanged(t *testing.T) {
	content := strings.Repeat("0123456789", 1_000)
	changes := map[string]func(name string) error{
		"byte":      func(name string) error { return os.WriteFile(name, []byte(content[:5_000]+"x"+content[5_001:]), 0o666) },
		"last byte": func(name string) error { return os.WriteFile(name, []byte(content[:9_999]+"x"), 0o666) },
		"cut":       func(name string) error { return os.Truncate(name, 9_999) },
		"emptied":   func(name string) error { return os.Truncate(name, 0) },
		"longer":    func(name string) error { return os.WriteFile(name, []byte(content+"x"), 0o666) },
	}
	for name, h := range ways {
		model, sig, key := signed(t, h, map[string]string{"weights": content})
		path := filepath.Join(model, "weights")
		for change, do := range changes {
			for _, buffer := range buffers {
				m := must(verifier(key).SetMaxBuffer(buffer).OpenModel(t.Context(), model, sig))
				before := must(m.Open("weights"))
				if err := do(path); err != nil {
					t.Fatal(err)
				}
				for when, f := range map[string]fs.File{"before": before, "after": must(m.Open("weights"))} {
					for range 2 { // the second time is no better
						data, err := io.ReadAll(f)
						isMismatch(t, fmt.Sprint(name, " ", change, " ", buffer, " ", when), err)
						if len(data) >= len(content) {
							t.Errorf("%s, %s: all is handed out", name, change)
						}
					}
					all := make([]byte, len(content))
					n, err := f.(io.ReaderAt).ReadAt(all, 0)
					isMismatch(t, fmt.Sprint(name, " ", change, " ", buffer, " at"), err)
					if string(all[:n]) != content[:n] || strings.Trim(string(all[n:]), "\x00") != "" && buffer < 0 {
						t.Errorf("%s, %s, %d: ReadAt hands out what is not verified", name, change, buffer)
					}
					f.Close()
				}
				data, err := m.ReadFile("weights")
				isMismatch(t, name+" "+change, err)
				if data != nil {
					t.Errorf("%s, %s: ReadFile returns %d bytes", name, change, len(data))
				}
				m.Close()
				write(t, path, content)
			}
		}
	}
}

func isMismatch(t *testing.T, what string, err error) {
	t.Helper()
	var mismatch *verifying.MismatchError
	var path *fs.PathError
	if !errors.As(err, &mismatch) || len(mismatch.Changed) != 1 || !strings.HasPrefix(mismatch.Changed[0].Name, "weights") ||
		!errors.As(err, &path) || path.Path != "weights" {
		t.Errorf("%s: got %v", what, err)
	}
}

// Files that appear, vanish or become something else.
func TestModelOtherFiles(t *testing.T) {
	model, sig, key := signed(t, hashing.Config(), map[string]string{"a": "1", "b": "2", "c": "3", "d/e": "4"})
	m := must(verifier(key).OpenModel(t.Context(), model, sig))
	defer m.Close()
	write(t, filepath.Join(model, "new"), "x")
	outside := filepath.Join(t.TempDir(), "outside")
	write(t, outside, "3")
	for _, gone := range []string{"a", "b", "c"} {
		if err := os.Remove(filepath.Join(model, gone)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(model, "b", "x"), "y")
	if err := os.Symlink(outside, filepath.Join(model, "c")); err != nil {
		t.Skip(err)
	}
	if _, err := m.Open("new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a new file: got %v", err)
	}
	var mismatch *verifying.MismatchError
	if _, err := m.Open("a"); errors.Is(err, fs.ErrNotExist) || !errors.As(err, &mismatch) || !slices.Equal(mismatch.Missing, []string{"a"}) {
		t.Errorf("a removed file: got %v", err)
	}
	if _, err := m.Open("b"); !errors.Is(err, hashing.ErrNotRegular) {
		t.Errorf("a directory: got %v", err)
	}
	if f, err := m.Open("c"); err == nil {
		t.Errorf("a link out of the model, to the same content: got %v", f)
	}
	entries := must(m.ReadDir("."))
	if len(entries) != 4 {
		t.Errorf("listed %v", entries)
	}
	for name, change := range map[string]func(dir string){
		"missing":    func(dir string) { os.Remove(filepath.Join(dir, "a")) },
		"extra":      func(dir string) { write(t, filepath.Join(dir, "x"), "y") },
		"extra deep": func(dir string) { write(t, filepath.Join(dir, "x/y"), "") },
	} {
		other := tree(t, map[string]string{"a": "1", "b": "2", "c": "3", "d/e": "4"})
		change(other)
		if m, err := verifier(key).OpenModel(t.Context(), other, sig); !errors.As(err, &mismatch) {
			t.Errorf("%s: got %v, %v", name, m, err)
		}
		m, err := verifier(key).SetIgnoreUnsignedFiles(true).OpenModel(t.Context(), other, sig)
		if (err == nil) != (name != "missing") {
			t.Errorf("%s, ignored: got %v", name, err)
			continue
		}
		if err == nil {
			if _, err := m.Open("x"); !errors.Is(err, fs.ErrNotExist) || len(m.Result.Unsigned) != 1 {
				t.Errorf("%s: got %v, %q", name, err, m.Result.Unsigned)
			}
			m.Close()
		}
	}
}

// A file that ends sooner or later than signed, in shards, is known at once.
func TestModelSizes(t *testing.T) {
	h := hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 4})
	model, sig, key := signed(t, h, map[string]string{"a": "123456"})
	for _, content := range []string{"", "1234", "12345", "1234567", "123456789"} {
		write(t, filepath.Join(model, "a"), content)
		if m, err := verifier(key).OpenModel(t.Context(), model, sig); !errors.As(err, new(*verifying.MismatchError)) {
			t.Errorf("%q: got %v, %v", content, m, err)
		}
	}
}

// Holes cost nothing, so a file may be of any size by the time that it is read.
func TestModelHoles(t *testing.T) {
	model, sig, key := signed(t, hashing.Config(), map[string]string{"a": "x"})
	if err := os.Truncate(filepath.Join(model, "a"), 64<<20); err != nil {
		t.Fatal(err)
	}
	m := must(verifier(key).SetMaxBuffer(1<<20).OpenModel(t.Context(), model, sig))
	defer m.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := m.ReadFile("a")
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 8<<20 || !errors.As(err, new(*verifying.MismatchError)) {
		t.Errorf("got %v, with %d MiB", err, took>>20)
	}
}

// Behind the end of a file there is nothing, even if the file is empty.
func TestModelSeekEmpty(t *testing.T) {
	model, sig, key := signed(t, hashing.Config(), map[string]string{"empty": "", "x": "x"})
	for _, buffer := range buffers {
		m := must(verifier(key).SetMaxBuffer(buffer).OpenModel(t.Context(), model, sig))
		f := must(m.Open("empty")).(io.ReadSeekCloser)
		must(f.Seek(10, io.SeekStart))
		if n, err := f.Read(make([]byte, 4)); n != 0 || err != io.EOF {
			t.Errorf("%d: got %d, %v", buffer, n, err)
		}
		f.Close()
		m.Close()
	}
}

func TestModelSingleFile(t *testing.T) {
	dir, key := tree(t, map[string]string{"w.bin": "123"}), newKey(t, elliptic.P256())
	model, sig := filepath.Join(dir, "w.bin"), filepath.Join(dir, "w.sig")
	if err := signer(key).Sign(model, sig); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		m := must(verifier(key).OpenModel(t.Context(), model, sig))
		if err := fstest.TestFS(m, "w.bin"); err != nil {
			t.Error(err)
		}
		m.Close()
		// As the Python reference calls the file.
		statement := must(bundle.ReadFile(sig)).UnverifiedStatement()
		old := strings.ReplaceAll(string(statement), `{"name":"w.bin","digest":"`, `{"name":".","digest":"`)
		if err := sign(t, key, []byte(old)).WriteFile(sig); err != nil {
			t.Fatal(err)
		}
	}
}

// A model of links is read if the statement and the caller allow them, and as one of files.
func TestModelLinks(t *testing.T) {
	model := tree(t, map[string]string{"blobs/x": "123"})
	if err := os.Symlink("blobs/x", filepath.Join(model, "w")); err != nil {
		t.Skip(err)
	}
	key, sig := newKey(t, elliptic.P256()), filepath.Join(t.TempDir(), "sig")
	if err := signer(key).SetHashingConfig(hashing.Config().SetAllowSymlinks(true)).Sign(model, sig); err != nil {
		t.Fatal(err)
	}
	m := must(verifier(key).OpenModel(t.Context(), model, sig))
	defer m.Close()
	if err := fstest.TestFS(m, "w", "blobs/x"); err != nil {
		t.Error(err)
	}
	if info := must(m.Stat("w")); !info.Mode().IsRegular() {
		t.Errorf("w is %v", info.Mode())
	}
	no := hashing.Config().SetAllowSymlinks(false)
	if _, err := verifier(key).SetHashingConfig(no).OpenModel(t.Context(), model, sig); !errors.As(err, new(*hashing.ConflictError)) {
		t.Errorf("not allowed: got %v", err)
	}
}

func TestModelFiftyGoroutines(t *testing.T) {
	content := strings.Repeat("0123456789", 10_000)
	model, sig, key := signed(t, ways["shards"], map[string]string{"weights": content, "config.json": "{}"})
	m := must(verifier(key).OpenModel(t.Context(), model, sig))
	defer m.Close()
	shared := must(m.Open("weights")).(io.ReaderAt)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			p := make([]byte, 1000)
			if _, err := shared.ReadAt(p, int64(i*1000)); err != nil || string(p) != content[i*1000:][:1000] {
				t.Error(err)
			}
			if data, err := m.ReadFile("weights"); string(data) != content || err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// Of a model that is loaded in parts, the others are not shown, and not copied.
func TestModelParts(t *testing.T) {
	for name, h := range ways {
		model, sig, key := signed(t, h, map[string]string{"a/b": "1", "a/c": "23", "d": "4"})
		c := verifier(key).SetOnly("a")
		m := must(c.OpenModel(t.Context(), model, sig))
		if err := fstest.TestFS(m, "a/b", "a/c"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := m.Open("d"); !errors.Is(err, fs.ErrNotExist) || !m.Result.Partial || !slices.Equal(m.Result.Unchecked, []string{"d"}) {
			t.Errorf("%s: got %v, %+v", name, err, m.Result)
		}
		m.Close()
		dir := t.TempDir()
		r, err := c.Copy(model, sig, filepath.Join(dir, "copy"))
		if err != nil || !r.Partial {
			t.Errorf("%s: got %+v, %v", name, r, err)
		}
		if got := filesIn(t, dir); !maps.Equal(got, map[string]string{"copy/a/b": "1", "copy/a/c": "23"}) {
			t.Errorf("%s: copied %v", name, got)
		}
	}
	model, sig, key := signed(t, hashing.Config(), map[string]string{"a": "1"})
	if _, err := verifier(key).SetOnly("b").OpenModel(t.Context(), model, sig); !errors.Is(err, verifying.ErrNoMatch) {
		t.Errorf("nothing: got %v", err)
	}
}
