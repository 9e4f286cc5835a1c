package signing_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/signing"
)

// A signature replaces nothing but a signature, and that is found before hashing.
func TestTarget(t *testing.T) {
	model := newModel(t)
	outside := filepath.Dir(model)
	document := write(t, filepath.Join(outside, "thesis.txt"), "years of work")
	readOnly := filepath.Join(outside, "read-only")
	if err := os.Mkdir(readOnly, 0o755); err != nil {
		t.Fatal(err)
	}
	elsewhere := write(t, filepath.Join(outside, "elsewhere.sig"), "") // as mktemp makes it
	if err := os.Symlink(elsewhere, filepath.Join(readOnly, "link.sig")); err != nil {
		t.Log("no symbolic links here: ", err)
	}
	if err := os.Chmod(readOnly, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(readOnly, 0o755) })
	link := filepath.Join(outside, "link.sig")
	if err := os.Symlink(filepath.Join(model, "weights.bin"), link); err != nil {
		t.Log("no symbolic links here: ", err)
		link = document
	}
	for name, want := range map[string]error{
		filepath.Join(model, "weights.bin"): signing.ErrTarget,
		filepath.Join(model, "__init__.py"): signing.ErrTarget,
		model:                               signing.ErrTarget,
		filepath.Join(model, "sub"):         signing.ErrTarget,
		outside:                             signing.ErrTarget,
		document:                            signing.ErrTarget,
		link:                                signing.ErrTarget,
		os.DevNull:                          signing.ErrTarget,
		filepath.Join(outside, "no", "sig"): fs.ErrNotExist,
		filepath.Join(document, "sig"):      nil, // not a directory
		"":                                  nil,
	} {
		err := config(t).SetHashingConfig(unhashed(t)).Sign(model, name)
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
	}
	if runtime.GOOS != "windows" && os.Getuid() != 0 {
		err := config(t).SetHashingConfig(unhashed(t)).Sign(model, filepath.Join(readOnly, "sig"))
		if !errors.Is(err, fs.ErrPermission) {
			t.Errorf("read-only directory: got %v", err)
		}
		// Only where a link leads is anything written.
		err = config(t).Sign(model, filepath.Join(readOnly, "link.sig"))
		if _, unread := bundle.ReadFile(elsewhere); err != nil || unread != nil {
			t.Errorf("link in a read-only directory: got %v, and there is %v", err, unread)
		}
	}
	if got, _ := os.ReadFile(filepath.Join(model, "weights.bin")); string(got) != "0123456789" {
		t.Errorf("the model was changed: %q", got)
	}
	single := filepath.Join(model, "weights.bin")
	if err := config(t).Sign(single, single); !errors.Is(err, signing.ErrTarget) {
		t.Errorf("a model that is a file: got %v", err)
	}
}

func TestTargetReplaced(t *testing.T) {
	model := newModel(t)
	for _, name := range []string{
		filepath.Join(model, "model.sig"),
		filepath.Join(model, "sub", "model.sig"),
		write(t, filepath.Join(filepath.Dir(model), "from-mktemp"), ""),
	} {
		for range 2 {
			if err := config(t).Sign(model, name); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if err := os.Chmod(name, 0o600); err != nil {
				t.Error(err)
			}
		}
	}
}

// A file that appears under the signature's name while the model is hashed is not lost.
func TestTargetAppears(t *testing.T) {
	model := newModel(t)
	name := filepath.Join(filepath.Dir(model), "model.sig")
	h := hashing.Config().SetProgress(func(hashing.Progress) { os.WriteFile(name, []byte("years of work"), 0o600) })
	if err := config(t).SetHashingConfig(h).Sign(model, name); !errors.Is(err, signing.ErrTarget) {
		t.Errorf("got %v, want ErrTarget", err)
	}
	if got, _ := os.ReadFile(name); string(got) != "years of work" {
		t.Errorf("the file was replaced: %q", got)
	}
}

// The same for one that appears while the signature is written.
func TestTargetAppearsLate(t *testing.T) {
	model := newModel(t)
	name := filepath.Join(filepath.Dir(model), "model.sig")
	key := newKey(t)
	late := signing.Config().UseSigner(signerFunc(func(statement []byte) (*bundle.Bundle, error) {
		b, err := signing.Config().UseEllipticKeySigner(signing.EllipticKey{Key: key}).SignManifest(context.Background(), parse(t, statement))
		os.WriteFile(name, []byte("years of work"), 0o600)
		return b, err
	}))
	if err := late.Sign(model, name); !errors.Is(err, signing.ErrTarget) {
		t.Errorf("got %v, want ErrTarget", err)
	}
	if got, _ := os.ReadFile(name); string(got) != "years of work" {
		t.Errorf("the file was replaced: %q", got)
	}
}

// Links lead to model files in many ways, and none of them is replaced.
func TestTargetThroughLinks(t *testing.T) {
	model := newModel(t)
	outside := filepath.Join(filepath.Dir(model), "outside")
	precious := write(t, filepath.Join(outside, "precious"), "")
	links := map[string]string{
		filepath.Join(outside, "to-empty"):   filepath.Join(model, "__init__.py"),
		filepath.Join(outside, "to-weights"): filepath.Join(model, "weights.bin"),
		filepath.Join(outside, "dangling"):   "nowhere",
		filepath.Join(model, "link"):         outside,
	}
	for name, target := range links {
		if err := os.Symlink(target, name); err != nil {
			t.Skip("no symbolic links here: ", err)
		}
	}
	c := config(t).SetHashingConfig(unhashed(t).SetAllowSymlinks(true))
	for _, name := range []string{
		filepath.Join(outside, "to-empty"), filepath.Join(outside, "to-weights"), filepath.Join(outside, "dangling"),
		filepath.Join(model, "link", "precious"),
	} {
		if err := c.Sign(model, name); !errors.Is(err, signing.ErrTarget) {
			t.Errorf("%s: got %v, want ErrTarget", name, err)
		}
	}
	if info, err := os.Stat(precious); err != nil || info.Size() != 0 {
		t.Errorf("got %v, %v", info, err)
	}
}

// Bundles that sign something else than a model are somebody's work, too.
func TestTargetIsAttestation(t *testing.T) {
	model := newModel(t)
	name := filepath.Join(filepath.Dir(model), "provenance.sigstore.json")
	other := bundle.NewKey([]byte(`{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://slsa.dev/provenance/v1"}`), []byte{1}, "00")
	if err := other.WriteFile(name); err != nil {
		t.Fatal(err)
	}
	if err := config(t).SetHashingConfig(unhashed(t)).Sign(model, name); !errors.Is(err, signing.ErrTarget) {
		t.Errorf("got %v, want ErrTarget", err)
	}
}
