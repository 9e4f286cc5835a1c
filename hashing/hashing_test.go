package hashing_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/blake2b"
	"lukechampine.com/blake3"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// write makes a directory with the given files. A name that ends in a slash is a directory, and content that
// begins with "-> " makes a symbolic link.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "model")
	must(t, os.Mkdir(root, 0o777))
	for name, content := range files {
		p := filepath.Join(root, filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(p), 0o777))
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			if err := os.Symlink(target, p); err != nil {
				t.Skip("no symbolic links here: ", err)
			}
		} else if strings.HasSuffix(name, "/") {
			must(t, os.MkdirAll(p, 0o777))
		} else {
			must(t, os.WriteFile(p, []byte(content), 0o666))
		}
	}
	return root
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func digest(a manifest.Algorithm, data []byte) string {
	switch a {
	case manifest.BLAKE2b:
		return fmt.Sprintf("%x", blake2b.Sum512(data))
	case manifest.BLAKE3:
		return fmt.Sprintf("%x", blake3.Sum256(data))
	}
	return fmt.Sprintf("%x", sha256.Sum256(data))
}

// lines returns "name digest" for each resource, and wants the same for the named contents.
func lines(m *manifest.Manifest) []string {
	var s []string
	for _, r := range m.Resources {
		s = append(s, r.Name()+" "+r.Digest.Hex)
	}
	return s
}

func wants(content ...string) []string {
	var s []string
	for i := 0; i < len(content); i += 2 {
		s = append(s, content[i]+" "+digest(manifest.SHA256, []byte(content[i+1])))
	}
	return s
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %s\nwant %s", what, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

var hashCases = []struct {
	name   string
	files  map[string]string
	config hashing.Configuration
	want   []string
}{{
	name:  "order is that of names, not of components",
	files: map[string]string{"a/b": "1", "a.b": "2", "a-b": "3", "tokenizer/vocab.json": "4", "tokenizer.json": "5", "\u00e9": "6", "z": "7"},
	want:  wants("a-b", "3", "a.b", "2", "a/b", "1", "tokenizer.json", "5", "tokenizer/vocab.json", "4", "z", "7", "\u00e9", "6"),
}, {
	name:  "git's files at the top only",
	files: map[string]string{".git/HEAD": "x", ".gitignore": "x", ".gitattributes": "x", ".github/w.yml": "x", ".gitmodules": "1", "sub/.git/HEAD": "2", "sub/.gitignore": "3", "w": "4"},
	want:  wants(".gitmodules", "1", "sub/.git/HEAD", "2", "sub/.gitignore", "3", "w", "4"),
}, {
	name:   "git's files if asked for",
	files:  map[string]string{".git/HEAD": "1", ".gitignore": "2"},
	config: hashing.Config().SetIgnoreGitPaths(false),
	want:   wants(".git/HEAD", "1", ".gitignore", "2"),
}, {
	name:   "ignored paths are exact or above",
	files:  map[string]string{"a": "x", "a2": "1", "d/e/f": "x", "d/ef": "2", "x/d/e": "3", "l": "-> nowhere"},
	config: hashing.Config().SetIgnoredPaths("a", "./d/e/", "l", "absent"),
	want:   wants("a2", "1", "d/ef", "2", "x/d/e", "3"),
}, {
	name:  "files without bytes, and directories without files",
	files: map[string]string{"empty": "", "dir/": "", "a": "1"},
	want:  wants("a", "1", "empty", ""),
}, {
	name:   "shards in the order of strings",
	files:  map[string]string{"f": "0123456789abcdefghijklm", "empty": "", "e": "xy"},
	config: hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 2}),
	want: wants("e:0:2", "xy", "f:0:2", "01", "f:10:12", "ab", "f:12:14", "cd", "f:14:16", "ef", "f:16:18", "gh",
		"f:18:20", "ij", "f:20:22", "kl", "f:22:23", "m", "f:2:4", "23", "f:4:6", "45", "f:6:8", "67", "f:8:10", "89"),
}, {
	name:   "shards of the whole size",
	files:  map[string]string{"f": "0123", "g": "01234567"},
	config: hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 4}),
	want:   wants("f:0:4", "0123", "g:0:4", "0123", "g:4:8", "4567"),
}}

func TestHash(t *testing.T) {
	for _, c := range hashCases {
		t.Run(c.name, func(t *testing.T) {
			root := write(t, c.files)
			m, err := c.config.Hash(root)
			must(t, err)
			equal(t, "resources", lines(m), c.want)
			must(t, m.Validate())
			if m.Name != "model" {
				t.Errorf("name is %q", m.Name)
			}
		})
	}
}

func TestDefaultIsConfig(t *testing.T) {
	root := write(t, map[string]string{"a": "1", ".git/x": "2"})
	for _, c := range []hashing.Configuration{{}, hashing.Config(), hashing.Config().UseFileSerialization(hashing.Files{})} {
		m, err := c.Hash(root)
		must(t, err)
		equal(t, "resources", lines(m), wants("a", "1"))
		s := m.Serialization
		if s.Method != manifest.Files || s.Algorithm != manifest.SHA256 || s.ShardSize != 0 || s.AllowSymlinks {
			t.Errorf("serialization is %+v", s)
		}
		equal(t, "ignored paths", s.IgnorePaths, []string{".git", ".gitattributes", ".github", ".gitignore"})
	}
}

func TestSingleFile(t *testing.T) {
	root := write(t, map[string]string{"sub/.gitignore": "1", "link": "-> sub/.gitignore"})
	for _, name := range []string{"sub/.gitignore", "link"} {
		m, err := hashing.Config().AddIgnoredPaths(".gitignore", "link").Hash(filepath.Join(root, name))
		must(t, err)
		base := filepath.Base(name)
		equal(t, "resources", lines(m), wants(base, "1"))
		if m.Name != base {
			t.Errorf("name is %q, want %q", m.Name, base)
		}
	}
}

func TestName(t *testing.T) {
	root := write(t, map[string]string{"sub/f": "1"})
	t.Chdir(filepath.Join(root, "sub"))
	for model, want := range map[string]string{".": "sub", "..": "model", root + "/": "model", "f": "f", "../sub/.": "sub"} {
		m, err := hashing.Hash(model)
		must(t, err)
		if m.Name != want {
			t.Errorf("%s: got name %q, want %q", model, m.Name, want)
		}
	}
}

func TestAlgorithms(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef "), 2_200_000) // 37 MB: three pieces of BLAKE3
	root := write(t, map[string]string{"big": string(data), "mid": string(data[:300_000]), "small": "1", "none": ""})
	sizes := map[string]int{"big": len(data), "mid": 300_000, "none": 0}
	for _, a := range []manifest.Algorithm{manifest.SHA256, manifest.BLAKE2b, manifest.BLAKE3} {
		for _, chunk := range []int{0, 4096, 1 << 20} {
			m, err := hashing.Config().UseFileSerialization(hashing.Files{Algorithm: a, ChunkSize: chunk}).Hash(root)
			must(t, err)
			must(t, m.Validate())
			for _, r := range m.Resources {
				content := []byte("1")
				if n, ok := sizes[r.Path]; ok {
					content = data[:n]
				}
				if want := digest(a, content); r.Digest.Hex != want {
					t.Errorf("%s of %s: got %s, want %s", a, r.Path, r.Digest.Hex, want)
				}
			}
		}
	}
}

func TestShardsOfLargeFile(t *testing.T) {
	data := make([]byte, 40<<20+17)
	for i := range data {
		data[i] = byte(i * i >> 7)
	}
	root := write(t, map[string]string{"f": string(data)})
	for _, a := range []manifest.Algorithm{manifest.SHA256, manifest.BLAKE3} {
		for _, size := range []int64{100_000, 3<<20 + 5, 17<<20 + 3, 32 << 20, 1 << 40} {
			m, err := hashing.Config().UseShardSerialization(hashing.Shards{Algorithm: a, ShardSize: size}).Hash(root)
			must(t, err)
			must(t, m.Validate())
			for _, r := range m.Resources {
				if want := digest(a, data[r.Start:r.End]); r.Digest.Hex != want {
					t.Errorf("%s of %s: got %s, want %s", a, r.Name(), r.Digest.Hex, want)
				}
			}
		}
	}
}

// TestBLAKE3Lengths tries the lengths around which the shape of the tree changes.
func TestBLAKE3Lengths(t *testing.T) {
	const buffer, piece = 16 << 10, 16 << 20
	data := make([]byte, 2*piece+buffer+2)
	for i := range data {
		data[i] = byte(i*7 + i>>9)
	}
	files := map[string]string{}
	for _, n := range []int{0, 1, 64, 1023, 1024, 1025, 2048, buffer - 1, buffer, buffer + 1, 2 * buffer, 3*buffer + 5, 8 * buffer, 8*buffer + 1, piece, piece + 1, 2 * piece, len(data)} {
		files[fmt.Sprint(n)] = string(data[:n])
	}
	m, err := hashing.Config().UseFileSerialization(hashing.Files{Algorithm: manifest.BLAKE3}).Hash(write(t, files))
	must(t, err)
	for _, r := range m.Resources {
		if want := digest(manifest.BLAKE3, []byte(files[r.Path])); r.Digest.Hex != want {
			t.Errorf("%s bytes: got %s, want %s", r.Path, r.Digest.Hex, want)
		}
	}
}

func TestErrors(t *testing.T) {
	root := write(t, map[string]string{"full/a": "1", "none/.git/x": "1", "zero/z": ""})
	for _, c := range []struct {
		model  string
		config hashing.Configuration
		want   error
	}{
		{"absent", hashing.Config(), fs.ErrNotExist},
		{"none", hashing.Config(), hashing.ErrEmptyModel},
		{"full", hashing.Config().AddIgnoredPaths("a"), hashing.ErrEmptyModel},
		{"zero", hashing.Config().UseShardSerialization(hashing.Shards{}), hashing.ErrEmptyModel},
	} {
		_, err := c.config.Hash(filepath.Join(root, c.model))
		var pe *fs.PathError
		if !errors.Is(err, c.want) || !errors.As(err, &pe) || pe.Path != filepath.Join(root, c.model) {
			t.Errorf("%s: got %v, want %v", c.model, err, c.want)
		}
	}
	for what, c := range map[string]hashing.Configuration{
		`"../x"`:        hashing.Config().AddIgnoredPaths("../x"),
		`"/abs"`:        hashing.Config().SetIgnoredPaths("a", "/abs"),
		`"./"`:          hashing.Config().SetIgnoredPaths("./"),
		`"md5"`:         hashing.Config().UseFileSerialization(hashing.Files{Algorithm: "md5"}),
		"-1":            hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: -1}),
		`method "tree"`: hashing.ConfigFor(manifest.Serialization{Method: "tree"}),
	} {
		if _, err := c.Hash(filepath.Join(root, "full")); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("got %v, want an error about %s", err, what)
		}
	}
}

func TestManyFiles(t *testing.T) {
	n := 20_000
	if testing.Short() {
		n = 2_000
	}
	root := filepath.Join(t.TempDir(), "model")
	var want []string
	for i := range n {
		name := fmt.Sprintf("d%03d/f%05d", i/100, i)
		if i%100 == 0 {
			must(t, os.MkdirAll(filepath.Join(root, name[:4]), 0o777))
		}
		content := strings.Repeat(name, i%40)
		must(t, os.WriteFile(filepath.Join(root, name), []byte(content), 0o666))
		want = append(want, name+" "+digest(manifest.SHA256, []byte(content)))
	}
	for _, workers := range []int{1, 2, 3, 16} {
		m, err := hashing.Config().SetMaxWorkers(workers).Hash(root)
		must(t, err)
		if !slices.Equal(lines(m), want) {
			t.Errorf("%d workers: got another manifest", workers)
		}
	}
}

// TestEveryByteCounts changes each byte in turn, and wants exactly that resource to change.
func TestEveryByteCounts(t *testing.T) {
	root := write(t, map[string]string{"a": "0123456789", "b/c": strings.Repeat("x", 70), "d": "-"})
	for _, c := range []hashing.Configuration{
		hashing.Config(),
		hashing.Config().UseFileSerialization(hashing.Files{Algorithm: manifest.BLAKE3}),
		hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 7}),
	} {
		before, err := c.Hash(root)
		must(t, err)
		for _, name := range []string{"a", "b/c", "d"} {
			p := filepath.Join(root, name)
			data, err := os.ReadFile(p)
			must(t, err)
			for i := range data {
				data[i] ^= 1
				must(t, os.WriteFile(p, data, 0o666))
				data[i] ^= 1
				after, err := c.Hash(root)
				must(t, err)
				d := before.Diff(after)
				if len(d.Changed) != 1 || len(d.Missing)+len(d.Extra) > 0 || !strings.HasPrefix(d.Changed[0].Name, name) {
					t.Fatalf("byte %d of %s: got %+v", i, name, d)
				}
			}
			must(t, os.WriteFile(p, data, 0o666))
		}
	}
}

func TestProgress(t *testing.T) {
	root := write(t, map[string]string{"big": strings.Repeat("x", 3<<20), "small": "1", "none": ""})
	for _, workers := range []int{1, 2, 8} {
		var last hashing.Progress
		busy := false
		seen := map[string]bool{}
		_, err := hashing.Config().SetMaxWorkers(workers).SetProgress(func(p hashing.Progress) {
			if busy || p.Done < last.Done || p.Total != 3<<20+1 {
				t.Errorf("got %+v after %+v, overlapping: %v", p, last, busy)
			}
			busy = true
			runtime.Gosched()
			busy = false
			last = p
			seen[p.Path] = true
		}).Hash(root)
		must(t, err)
		if last.Done != last.Total || !seen["big"] || !seen["small"] || !seen["none"] {
			t.Errorf("ended with %+v, having seen %v", last, seen)
		}
	}
}
