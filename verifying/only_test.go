package verifying_test

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/verifying"
)

var parted = map[string]string{
	"config.json": "{}", "model-00001-of-00002.safetensors": "11", "model-00002-of-00002.safetensors": "22",
	"onnx/model.onnx": "33", "onnx/data/weights": "44", "tokenizer/vocab.json": "55", "[a]*": "66", "a": "77"}

func TestSetOnly(t *testing.T) {
	for name, h := range map[string]hashing.Configuration{
		"files": hashing.Config(), "shards": hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 1})} {
		model, sig, key := signed(t, h, parted)
		b, err := bundle.ReadFile(sig)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			patterns []string
			checked  int
		}{
			{[]string{"config.json"}, 1}, {[]string{"./config.json", "config.json"}, 1}, {[]string{"*.json"}, 1}, {[]string{"*/*.json"}, 1},
			{[]string{"model-*-of-*.safetensors"}, 2}, {[]string{"onnx"}, 2}, {[]string{"onnx/"}, 2}, {[]string{"onnx/*"}, 2},
			{[]string{"o*"}, 2}, {[]string{"onnx/data"}, 1}, {[]string{"*"}, 8}, {[]string{"config.json", "onnx/model.onnx"}, 2},
			{[]string{`\[a\]\*`}, 1}, {[]string{"[a]*"}, 2}, {[]string{"?"}, 1},
		} {
			v := verifier(key).SetOnly(c.patterns...)
			r, err := v.Verify(model, sig)
			if err != nil || !r.Partial || len(parted)-len(r.Unchecked) != c.checked || !slices.IsSorted(r.Unchecked) {
				t.Errorf("%s, %q: got %+v, %v", name, c.patterns, r, err)
				continue
			}
			inFS, err := v.VerifyFS(t.Context(), os.DirFS(model), "m", b)
			if err != nil || !inFS.Partial || !slices.Equal(inFS.Unchecked, r.Unchecked) {
				t.Errorf("%s, %q: in a file system got %+v, %v", name, c.patterns, inFS, err)
			}
			m, err := h.Hash(model)
			if err != nil {
				t.Fatal(err)
			}
			m.Resources = slices.DeleteFunc(m.Resources, func(r manifest.Resource) bool { return slices.Contains(inFS.Unchecked, r.Path) })
			listed, err := v.VerifyManifest(t.Context(), m, b)
			if err != nil || !listed.Partial || !slices.Equal(listed.Unchecked, r.Unchecked) {
				t.Errorf("%s, %q: as a manifest got %+v, %v", name, c.patterns, listed, err)
			}
		}
		r, err := verifier(key).SetOnly("a").SetOnly().Verify(model, sig)
		if err != nil || r.Partial || r.Unchecked != nil {
			t.Errorf("no restriction: got %+v, %v", r, err)
		}
	}
}

func TestSetOnlyRefuses(t *testing.T) {
	model, sig, key := signed(t, hashing.Config(), parted)
	for pattern, want := range map[string]error{
		"absent": verifying.ErrNoMatch, "": verifying.ErrNoMatch, ".": verifying.ErrNoMatch, "/": verifying.ErrNoMatch, "..": verifying.ErrNoMatch,
		"../model/config.json": verifying.ErrNoMatch, "/config.json": verifying.ErrNoMatch, "CONFIG.JSON": verifying.ErrNoMatch,
		"onnx/data/weights/": nil, "onnx/data/weights/x": verifying.ErrNoMatch, "con": verifying.ErrNoMatch, "**/vocab.json": nil,
		"[": path.ErrBadPattern, "a[": path.ErrBadPattern, `config.json\`: path.ErrBadPattern,
	} {
		_, err := verifier(key).SetOnly("config.json", pattern).Verify(model, sig)
		var bad *verifying.PatternError
		if want == nil && err == nil {
			continue
		}
		if !errors.Is(err, want) || !errors.As(err, &bad) || bad.Pattern != pattern {
			t.Errorf("%q: got %v, want %v", pattern, err, want)
		}
	}
}

// What is not asked for may be changed, missing, or anything at all; what is asked for may not.
func TestSetOnlyLooksAtParts(t *testing.T) {
	model, sig, key := signed(t, hashing.Config(), parted)
	c := verifier(key).SetOnly("config.json", "onnx/data")
	write(t, filepath.Join(model, "a"), "changed")
	write(t, filepath.Join(model, "onnx/extra"), "unsigned")
	write(t, filepath.Join(model, "extra"), "unsigned")
	remove(t, filepath.Join(model, "tokenizer"))
	remove(t, filepath.Join(model, "onnx/model.onnx"))
	if runtime.GOOS != "windows" {
		if err := errors.Join(os.Symlink("/", filepath.Join(model, "onnx/model.onnx")), os.Symlink("nowhere", filepath.Join(model, "tokenizer"))); err != nil {
			t.Fatal(err)
		}
	}
	r, err := c.Verify(model, sig)
	if err != nil || r.Unsigned != nil || r.Ignored != nil || len(r.Unchecked) != len(parted)-2 {
		t.Errorf("got %+v, %v", r, err)
	}
	var mismatch *verifying.MismatchError
	write(t, filepath.Join(model, "onnx/data/weights"), "changed")
	if _, err := c.Verify(model, sig); !errors.As(err, &mismatch) || len(mismatch.Changed) != 1 || mismatch.Missing != nil || mismatch.Extra != nil {
		t.Errorf("changed: got %v", err)
	}
	if _, err := c.SetIgnoreUnsignedFiles(true).Verify(model, sig); !errors.As(err, &mismatch) || len(mismatch.Changed) != 1 {
		t.Errorf("changed: got %v", err)
	}
	remove(t, filepath.Join(model, "onnx"))
	if _, err := c.Verify(model, sig); !errors.As(err, &mismatch) || !slices.Equal(mismatch.Missing, []string{"onnx/data/weights"}) {
		t.Errorf("missing: got %v", err)
	}
	if runtime.GOOS != "windows" {
		other := tree(t, map[string]string{"data/weights": "44"})
		if err := os.Symlink(other, filepath.Join(model, "onnx")); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Verify(model, sig); !errors.Is(err, hashing.ErrSymlink) {
			t.Errorf("a link above it: got %v", err)
		}
	}
}

// Of files whose digests are known, those that are not asked for are neither compared nor called unsigned.
func TestSetOnlyOfFiles(t *testing.T) {
	model, sig, key := signed(t, hashing.Config(), parted)
	b, err := bundle.ReadFile(sig)
	if err != nil {
		t.Fatal(err)
	}
	m, err := hashing.Hash(model)
	if err != nil {
		t.Fatal(err)
	}
	files := []manifest.File{{Path: "extra", Digest: m.Resources[0].Digest}} // all with the digest of the first file
	for _, r := range m.Resources {
		files = append(files, manifest.File{Path: r.Path, Digest: m.Resources[0].Digest})
	}
	r, err := verifier(key).SetOnly(`\[a\]\*`).VerifyFiles(t.Context(), "m", files, b)
	if err != nil || !r.Partial || r.Unsigned != nil || len(r.Unchecked) != len(parted)-1 {
		t.Errorf("got %+v, %v", r, err)
	}
	var mismatch *verifying.MismatchError
	if _, err = verifier(key).SetOnly("a").VerifyFiles(t.Context(), "m", files, b); !errors.As(err, &mismatch) || len(mismatch.Changed) != 1 {
		t.Errorf("got %v", err)
	}
}

// A directory that no part is in is not even opened.
func TestSetOnlyOpens(t *testing.T) {
	model, sig, key := signed(t, hashing.Config(), parted)
	opened := opens{os.DirFS(model), map[string]bool{}}
	b, err := bundle.ReadFile(sig)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verifier(key).SetOnly("onnx/data", "a").SetHashingConfig(hashing.Config().SetMaxWorkers(1)).VerifyFS(t.Context(), opened, "m", b); err != nil {
		t.Fatal(err)
	}
	for name := range opened.seen {
		if !slices.Contains([]string{".", "onnx", "onnx/data", "onnx/data/weights", "a"}, name) {
			t.Errorf("%s was opened", name)
		}
	}
}

// The parts of a model that is one file are that file.
func TestSetOnlyOfFile(t *testing.T) {
	dir := tree(t, map[string]string{"w.gguf": "1"})
	model, sig, key := filepath.Join(dir, "w.gguf"), filepath.Join(dir, "sig"), newKey(t, curves[0])
	if err := signer(key).Sign(model, sig); err != nil {
		t.Fatal(err)
	}
	if r, err := verifier(key).SetOnly("*.gguf").Verify(model, sig); err != nil || !r.Partial || r.Unchecked != nil {
		t.Errorf("got %+v, %v", r, err)
	}
	write(t, model, "2")
	var mismatch *verifying.MismatchError
	if _, err := verifier(key).SetOnly("w.gguf").Verify(model, sig); !errors.As(err, &mismatch) {
		t.Errorf("got %v", err)
	}
}

// An opens remembers what was opened.
type opens struct {
	fs.FS
	seen map[string]bool
}

func (o opens) Open(name string) (fs.File, error) {
	o.seen[name] = true
	return o.FS.Open(name)
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.RemoveAll(name); err != nil {
		t.Fatal(err)
	}
}
