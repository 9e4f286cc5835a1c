package verifying_test

import (
	"bytes"
	"errors"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/verifying"
)

var lfsPointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("0123456789abcdef", 4) + "\nsize 1600\n"

// A clone whose large files were not pulled is told from a model that somebody changed.
func TestUnpulled(t *testing.T) {
	for name, h := range map[string]hashing.Configuration{
		"files": hashing.Config(), "shards": hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 100})} {
		files := maps.Clone(small)
		files["kept"] = lfsPointer // was signed as it is
		model, sig, key := signed(t, h, files)
		write(t, filepath.Join(model, "weights.bin"), lfsPointer)
		write(t, filepath.Join(model, "a/b"), "2")
		var mismatch *verifying.MismatchError
		if _, err := verifier(key).Verify(model, sig); !errors.As(err, &mismatch) || !slices.Equal(mismatch.Pointers, []string{"weights.bin"}) ||
			!strings.Contains(err.Error(), `1 not pulled, a Git LFS pointer in its place ("weights.bin"): run git lfs pull`) {
			t.Errorf("%s: got %v", name, err)
		}
		write(t, filepath.Join(model, "weights.bin"), lfsPointer+"\n")
		if _, err := verifier(key).Verify(model, sig); !errors.As(err, &mismatch) || mismatch.Pointers != nil || strings.Contains(err.Error(), "LFS") {
			t.Errorf("%s, no pointer: got %v", name, err)
		}
	}
}

func TestUnpulledFile(t *testing.T) {
	dir := tree(t, map[string]string{"model.gguf": "weights"})
	model, sig, key := filepath.Join(dir, "model.gguf"), filepath.Join(dir, "sig"), newKey(t, curves[0])
	if err := signer(key).Sign(model, sig); err != nil {
		t.Fatal(err)
	}
	write(t, model, lfsPointer)
	var mismatch *verifying.MismatchError
	if _, err := verifier(key).Verify(model, sig); !errors.As(err, &mismatch) || !slices.Equal(mismatch.Pointers, []string{"model.gguf"}) {
		t.Errorf("got %v", err)
	}
}

// Who signs pointers is warned, and the model verifies as it is.
func TestSignPointers(t *testing.T) {
	model, sig, key := tree(t, map[string]string{"a": "1", "w1": lfsPointer, "d/w2": lfsPointer}), filepath.Join(t.TempDir(), "sig"), newKey(t, curves[0])
	var log bytes.Buffer
	if err := signer(key).SetLogger(slog.New(slog.NewTextHandler(&log, nil))).Sign(model, sig); err != nil {
		t.Fatal(err)
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "git lfs pull") || !strings.Contains(got, "count=2 first=d/w2") {
		t.Errorf("the log is %s", got)
	}
	if _, err := verifier(key).Verify(model, sig); err != nil {
		t.Error(err)
	}
}
