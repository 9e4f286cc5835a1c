package verifying_test

import (
	"context"
	"crypto/elliptic"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/verifying"
)

// filesIn returns all regular files below dir with their content. Anything else but directories fails the test.
func filesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if !d.Type().IsRegular() {
			t.Errorf("%s is %v", p, d.Type())
		}
		files[filepath.ToSlash(must(filepath.Rel(dir, p)))] = string(must(os.ReadFile(p)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func isEmpty(t *testing.T, dir string) {
	t.Helper()
	if entries := must(os.ReadDir(dir)); len(entries) > 0 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestCopy(t *testing.T) {
	files := maps.Clone(small)
	files["large"] = strings.Repeat("0123456789", 500_000)
	for name, h := range ways {
		if name == "tiny shards" {
			h = h.UseShardSerialization(hashing.Shards{ShardSize: 777})
		}
		model, key := tree(t, files), newKey(t, elliptic.P256())
		sig := filepath.Join(model, "model.sig")
		if err := signer(key).SetHashingConfig(h).Sign(model, sig); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(model, ".git", "HEAD"), "ignored")
		want := maps.Clone(files)
		if strings.Contains(name, "shard") {
			delete(want, "empty")
		}
		dir := t.TempDir()
		r, err := verifier(key).Copy(model, sig, filepath.Join(dir, "copy"))
		if err != nil || !slices.Equal(r.Ignored, []string{".git/", "model.sig"}) {
			t.Errorf("%s: got %+v, %v", name, r, err)
			continue
		}
		if got := filesIn(t, dir); !maps.Equal(got, prefixed("copy/", want)) {
			t.Errorf("%s: copied %v", name, slices.Collect(maps.Keys(got)))
		}
		if name == "files" {
			if _, err := verifier(key).Verify(filepath.Join(dir, "copy"), sig); err != nil {
				t.Errorf("the copy: %v", err)
			}
		}
		fsDir := t.TempDir()
		b := must(bundle.ReadFile(sig))
		source := fstest.MapFS{}
		for p, content := range files {
			source[p] = &fstest.MapFile{Data: []byte(content)}
		}
		if _, err := verifier(key).CopyFS(t.Context(), source, "m", b, filepath.Join(fsDir, "copy")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := filesIn(t, fsDir); !maps.Equal(got, prefixed("copy/", want)) {
			t.Errorf("%s: copied %v", name, slices.Collect(maps.Keys(got)))
		}
	}
}

func prefixed(prefix string, files map[string]string) map[string]string {
	all := map[string]string{}
	for p, content := range files {
		all[prefix+p] = content
	}
	return all
}

func TestCopySingleFile(t *testing.T) {
	dir, key := tree(t, map[string]string{"w.bin": "123"}), newKey(t, elliptic.P256())
	sig := filepath.Join(dir, "w.sig")
	if err := signer(key).Sign(filepath.Join(dir, "w.bin"), sig); err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	if _, err := verifier(key).Copy(filepath.Join(dir, "w.bin"), sig, filepath.Join(to, "other.bin")); err != nil {
		t.Fatal(err)
	}
	if got := filesIn(t, to); !maps.Equal(got, map[string]string{"other.bin": "123"}) {
		t.Errorf("copied %v", got)
	}
}

// Whatever is wrong, nothing is left.
func TestCopyRefuses(t *testing.T) {
	model, sig, key := signed(t, hashing.Config(), small)
	changed, extra := tree(t, small), tree(t, small)
	write(t, filepath.Join(changed, "weights.bin"), strings.Repeat("0123456789abcdeX", 100))
	write(t, filepath.Join(extra, "new"), "x")
	missing := tree(t, small)
	if err := os.Remove(filepath.Join(missing, "a", "b")); err != nil {
		t.Fatal(err)
	}
	mismatch := func(err error) bool { return errors.As(err, new(*verifying.MismatchError)) }
	is := func(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }
	for name, c := range map[string]struct {
		config verifying.Configuration
		model  string
		sig    string
		want   func(error) bool
	}{
		"another key":   {verifier(newKey(t, elliptic.P256())), model, sig, is(verifying.ErrIdentity)},
		"no model":      {verifier(key), filepath.Join(model, "none"), sig, is(fs.ErrNotExist)},
		"no signature":  {verifier(key), model, filepath.Join(model, "none"), is(fs.ErrNotExist)},
		"no verifier":   {verifying.Config(), model, sig, is(verifying.ErrNoVerifier)},
		"changed":       {verifier(key), changed, sig, mismatch},
		"one more":      {verifier(key), extra, sig, mismatch},
		"one missing":   {verifier(key), missing, sig, mismatch},
		"conflict":      {verifier(key).SetHashingConfig(hashing.Config().SetAllowSymlinks(true)), model, sig, func(err error) bool { return errors.As(err, new(*hashing.ConflictError)) }},
		"file for tree": {verifier(key), filepath.Join(model, "weights.bin"), sig, mismatch},
	} {
		dir := t.TempDir()
		if r, err := c.config.Copy(c.model, c.sig, filepath.Join(dir, "copy")); !c.want(err) || r != nil {
			t.Errorf("%s: got %v, %v", name, r, err)
		}
		isEmpty(t, dir)
	}
	dir := t.TempDir()
	r, err := verifier(key).SetIgnoreUnsignedFiles(true).Copy(extra, sig, filepath.Join(dir, "copy"))
	if err != nil || !slices.Equal(r.Unsigned, []string{"new"}) {
		t.Errorf("one more, ignored: got %+v, %v", r, err)
	}
	if got := filesIn(t, dir); !maps.Equal(got, prefixed("copy/", small)) {
		t.Errorf("one more, ignored: copied %v", got)
	}
}

func TestCopyPlaces(t *testing.T) {
	model, sig, key := signed(t, hashing.Config(), small)
	dir := t.TempDir()
	file, empty, link := filepath.Join(dir, "file"), filepath.Join(dir, "empty"), filepath.Join(dir, "link")
	write(t, file, "x")
	if err := os.Mkdir(empty, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", link); err != nil {
		t.Skip(err)
	}
	inModel := filepath.Join(dir, "model")
	if err := os.Symlink(model, inModel); err != nil {
		t.Fatal(err)
	}
	for dst, want := range map[string]error{
		file: fs.ErrExist, empty: fs.ErrExist, link: fs.ErrExist, filepath.Join(dir, "none", "copy"): fs.ErrNotExist,
		"": nil, filepath.Join(model, "copy"): verifying.ErrTarget, filepath.Join(inModel, "a", "copy"): verifying.ErrTarget, filepath.Join(file, "copy"): nil,
	} {
		if r, err := verifier(key).Copy(model, sig, dst); err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: got %v, %v", dst, r, err)
		} else if want == fs.ErrExist && !errors.Is(err, verifying.ErrTarget) {
			t.Errorf("%s: %v is not ErrTarget", dst, err)
		}
	}
	if entries := must(os.ReadDir(dir)); len(entries) != 4 {
		t.Errorf("left behind: %v", entries)
	}
	if got := filesIn(t, model); !maps.Equal(got, small) {
		t.Errorf("the model has %v", got)
	}
}

// meddling is a model to which something happens when a file is read.
type meddling struct {
	fs.FS
	name string
	do   func()
}

func (m meddling) Open(name string) (fs.File, error) {
	f, err := m.FS.Open(name)
	if name == m.name && err == nil {
		return meddlingFile{f, m.do}, nil
	}
	return f, err
}

type meddlingFile struct {
	fs.File
	do func()
}

func (m meddlingFile) Read(p []byte) (int, error) {
	n, err := m.File.Read(p)
	m.do()
	return n, err
}

func TestCopyInterrupted(t *testing.T) {
	model, sig, key := signed(t, hashing.Config(), small)
	b := must(bundle.ReadFile(sig))
	ctx, cancel := context.WithCancel(t.Context())
	dir := t.TempDir()
	dst := filepath.Join(dir, "copy")
	for name, c := range map[string]struct {
		do   func()
		want error
		left int
	}{
		"cancelled":  {cancel, context.Canceled, 0},
		"file there": {func() { write(t, dst, "of somebody else") }, fs.ErrExist, 1},
	} {
		ctx := ctx
		if name != "cancelled" {
			ctx = t.Context()
		}
		r, err := verifier(key).CopyFS(ctx, meddling{os.DirFS(model), "weights.bin", c.do}, "m", b, dst)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, %v", name, r, err)
		}
		if entries := must(os.ReadDir(dir)); len(entries) != c.left {
			t.Errorf("%s: left behind: %v", name, entries)
		}
		os.RemoveAll(dst)
	}
}

// What the disk does not take is an error about the copy, which names the file, and leaves nothing.
func TestCopyNotWritten(t *testing.T) {
	key := newKey(t, elliptic.P256())
	long := strings.Repeat("x", 300)
	source := fstest.MapFS{"a": {Data: []byte("1")}, long: {Data: []byte("2")}}
	b := must(signer(key).SignFS(t.Context(), source, "m"))
	dir := t.TempDir()
	_, err := verifier(key).CopyFS(t.Context(), source, "m", b, filepath.Join(dir, "copy"))
	if err == nil || !strings.Contains(err.Error(), "xxx") || errors.Is(err, hashing.ErrChanged) || errors.As(err, new(*verifying.MismatchError)) {
		t.Errorf("got %v", err)
	}
	isEmpty(t, dir)
}

// Neither what works nor what fails leaves files open.
func TestNothingLeftOpen(t *testing.T) {
	model, sig, key := signed(t, ways["shards"], small)
	changed := tree(t, small)
	write(t, filepath.Join(changed, "weights.bin"), strings.Repeat("0123456789abcdeX", 100))
	use := func(model string) {
		if m, err := verifier(key).SetMaxBuffer(-1).OpenModel(t.Context(), model, sig); err == nil {
			for _, name := range []string{"weights.bin", "a"} {
				m.ReadFile(name)
				f := must(m.Open(name))
				f.Read(make([]byte, 1))
				f.Close()
			}
			m.Close()
		}
		verifier(key).Copy(model, sig, filepath.Join(t.TempDir(), "copy"))
		verifier(key).Copy(model, sig, t.TempDir())
		verifier(key).VerifyThreshold(t.Context(), model, 1, sig, sig, model)
	}
	use(model) // what is opened once stays
	before, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	for range 20 {
		use(model)
		use(changed)
		use(filepath.Join(model, "weights.bin"))
		use(filepath.Join(model, "none"))
	}
	if after := must(os.ReadDir("/proc/self/fd")); len(after) > len(before) {
		t.Errorf("%d files are open, %d were before", len(after), len(before))
	}
}

// A pointer of Git LFS is not what it stands for: not even for who verifies without what it stands for.
func TestCopyPointer(t *testing.T) {
	content := strings.Repeat("weights", 100)
	model, sig, key := signed(t, hashing.Config(), map[string]string{"w.bin": content})
	sum := sha256.Sum256([]byte(content))
	write(t, filepath.Join(model, "w.bin"), fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%x\nsize %d\n", sum, len(content)))
	c := verifier(key).SetHashingConfig(hashing.Config().SetFollowLFSPointers(true))
	if r, err := c.Verify(model, sig); err != nil || !slices.Equal(r.Unread, []string{"w.bin"}) {
		t.Fatalf("verified %+v, %v", r, err)
	}
	if r, err := c.VerifyThreshold(t.Context(), model, 1, sig); err != nil || !slices.Equal(r.Unread, []string{"w.bin"}) {
		t.Errorf("threshold: got %+v, %v", r, err)
	}
	dir := t.TempDir()
	pulled, attestation := attested(t, signer(key), map[string]string{"w.bin": content}, build)
	for _, name := range []string{pulled, filepath.Join(pulled, "w.bin")} {
		write(t, filepath.Join(pulled, "w.bin"), string(must(os.ReadFile(filepath.Join(model, "w.bin")))))
		policy := trainer
		policy.IgnoreNames = name != pulled
		if p, err := c.VerifyProvenance(t.Context(), name, attestation, policy); err != nil || !slices.Equal(p.Unread, []string{"w.bin"}) {
			t.Errorf("provenance of %s: got %+v, %v", name, p, err)
		}
	}
	var mismatch *verifying.MismatchError
	if r, err := c.Copy(model, sig, filepath.Join(dir, "copy")); !errors.As(err, &mismatch) || !slices.Equal(mismatch.Pointers, []string{"w.bin"}) {
		t.Errorf("copied: %+v, %v", r, err)
	}
	isEmpty(t, dir)
	m := must(c.OpenModel(t.Context(), model, sig))
	defer m.Close()
	if data, err := m.ReadFile("w.bin"); !errors.As(err, &mismatch) {
		t.Errorf("read %q, %v", data, err)
	}
}
