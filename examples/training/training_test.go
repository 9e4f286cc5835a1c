package training_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

const (
	zipMagic  = "PK\x03\x04"
	hdf5Magic = "\x89HDF\r\n\x1a\n"
)

// formats are those of train.py: the framework, the name of a model, the file in it that says the format, and how that
// file begins.
var formats = map[string]struct{ framework, name, file, magic string }{
	"keras":            {"tensorflow", "model.keras", "", zipMagic},
	"hdf5":             {"tensorflow", "model.h5", "", hdf5Magic},
	"hdf5-weights":     {"tensorflow", "model.weights.h5", "", hdf5Magic},
	"saved-model":      {"tensorflow", "saved_model", "saved_model.pb", "\x08\x01"}, // the version of the schema
	"torch-state-dict": {"torch", "state_dict.pth", "", zipMagic},
	"torch-model":      {"torch", "model.pth", "", zipMagic},
	"torchscript":      {"torch", "model.pt", "", zipMagic},
}

// Models of all formats, as the frameworks wrote them, are signed and verified, and a changed byte is found.
func TestFormats(t *testing.T) {
	for _, format := range slices.Sorted(maps.Keys(formats)) {
		t.Run(format, func(t *testing.T) {
			model := filepath.Join(t.TempDir(), formats[format].name)
			original := filepath.Join("testdata", formats[format].name)
			var err error
			if info, statErr := os.Stat(original); statErr != nil {
				t.Fatal(statErr)
			} else if info.IsDir() {
				err = os.CopyFS(model, os.DirFS(original))
			} else {
				err = copyFile(model, original)
			}
			if err != nil {
				t.Fatal(err)
			}
			signAndChange(t, format, model)
		})
	}
}

func copyFile(to, from string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o666)
}

// signAndChange signs a model, verifies it, and changes one byte of each of its files in turn.
func signAndChange(t *testing.T, format, model string) {
	t.Helper()
	f := formats[format]
	if data, err := os.ReadFile(filepath.Join(model, f.file)); err != nil || !strings.HasPrefix(string(data), f.magic) {
		t.Fatalf("the file is not of the format %s: %.20q, %v", format, data, err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signature := filepath.Join(t.TempDir(), "model.sig")
	if err := signing.Config().UseEllipticKeySigner(signing.EllipticKey{Key: key}).Sign(model, signature); err != nil {
		t.Fatal(err)
	}
	verifier := verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{Key: key.Public()})
	result, err := verifier.Verify(model, signature)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range result.Manifest.Resources {
		path := filepath.Join(model, filepath.FromSlash(r.Path))
		if f.file == "" {
			path = model
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/2] ^= 1
		write(t, path, data)
		var mismatch *verifying.MismatchError
		if _, err := verifier.Verify(model, signature); !errors.As(err, &mismatch) || len(mismatch.Changed) != 1 || mismatch.Changed[0].Name != r.Path {
			t.Errorf("a byte of %s is changed: got %v", r.Path, err)
		}
		data[len(data)/2] ^= 1
		write(t, path, data)
	}
	if _, err := verifier.Verify(model, signature); err != nil {
		t.Error(err)
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, fs.FileMode(0o666)); err != nil {
		t.Fatal(err)
	}
}

// The example trains, on the CPU and without a network, with the frameworks that are there.
func TestTraining(t *testing.T) {
	pythons := filepath.SplitList(os.Getenv("MODEL_SIGNING_TRAINING"))
	if len(pythons) == 0 {
		t.Skip("MODEL_SIGNING_TRAINING names no Python with tensorflow or torch, which are too large to install for this")
	}
	trained := 0
	for _, python := range pythons {
		for _, format := range slices.Sorted(maps.Keys(formats)) {
			if exec.Command(python, "-c", "import importlib.util, sys; sys.exit(importlib.util.find_spec('"+formats[format].framework+"') is None)").Run() != nil {
				continue
			}
			trained++
			t.Run(format, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				defer cancel()
				model := filepath.Join(t.TempDir(), formats[format].name)
				out, err := exec.CommandContext(ctx, python, "train.py", format, model).CombinedOutput()
				if err != nil || !strings.Contains(string(out), "of the cases") {
					t.Fatalf("%v\n%s", err, out)
				}
				signAndChange(t, format, model)
			})
		}
	}
	if trained == 0 {
		t.Errorf("none of %q has tensorflow or torch", pythons)
	}
}
