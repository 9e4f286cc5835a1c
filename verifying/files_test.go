package verifying_test

import (
	"crypto/elliptic"
	"crypto/sha256"
	"errors"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/verifying"
)

// listed returns what a database says of the files.
func listed(files map[string]string) (list []manifest.File) {
	for path, data := range files {
		sum := sha256.Sum256([]byte(data))
		list = append(list, manifest.File{Path: path, Size: int64(len(data)), Digest: manifest.NewDigest(manifest.SHA256, sum[:])})
	}
	return list
}

// A list of digests is verified as a directory with these files is, and signed so that the directory verifies.
func TestVerifyFilesIsVerify(t *testing.T) {
	for name, c := range changes {
		if name == "nothing at all" {
			continue
		}
		_, sig, key := signed(t, hashing.Config(), small)
		files := maps.Clone(small)
		c.change(files)
		b := must(bundle.ReadFile(sig))
		for _, v := range []verifying.Configuration{verifier(key), verifier(key).SetIgnoreUnsignedFiles(true), verifier(key).SetOnly("a*")} {
			want, wantErr := v.Verify(tree(t, files), sig)
			got, err := v.VerifyFiles(t.Context(), "model", listed(files), b)
			sameOutcome(t, name, want, got, wantErr, err)
		}
	}
	model := tree(t, small)
	key, sig := newKey(t, elliptic.P256()), filepath.Join(filepath.Dir(model), "sig")
	b := must(signer(key).SignFiles(t.Context(), "model", listed(small)))
	if err := b.WriteFile(sig); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(model, ".git", "HEAD"), "x")
	r, err := verifier(key).Verify(model, sig)
	if err != nil || !slices.Equal(r.Ignored, []string{".git/"}) || !reflect.DeepEqual(r.Manifest, must(hashing.Hash(model))) {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestVerifyFilesRefuses(t *testing.T) {
	_, sig, key := signed(t, hashing.Config().UseShardSerialization(hashing.Shards{}), small)
	var conflict *hashing.ConflictError
	if _, err := verifier(key).VerifyFiles(t.Context(), "m", listed(small), must(bundle.ReadFile(sig))); !errors.As(err, &conflict) || conflict.Field != "method" {
		t.Errorf("shards: got %v", err)
	}
	_, sig, key = signed(t, hashing.Config().UseFileSerialization(hashing.Files{Algorithm: manifest.BLAKE3}), small)
	b := must(bundle.ReadFile(sig))
	if _, err := verifier(key).VerifyFiles(t.Context(), "m", listed(small), b); !errors.As(err, &conflict) || conflict.Field != "hash_type" {
		t.Errorf("algorithm: got %v", err)
	}
	var mismatch *verifying.MismatchError
	if _, err := verifier(key).VerifyFiles(t.Context(), "m", nil, b); !errors.As(err, &mismatch) || len(mismatch.Missing) != len(small) {
		t.Errorf("none: got %v", err)
	}
	if _, err := verifier(newKey(t, elliptic.P256())).VerifyFiles(t.Context(), "m", nil, b); !errors.Is(err, verifying.ErrIdentity) {
		t.Errorf("other key: got %v", err)
	}
	_, sig, key = signed(t, hashing.Config(), small)
	twice := append(listed(small), listed(small)[0])
	if _, err := verifier(key).VerifyFiles(t.Context(), "m", twice, must(bundle.ReadFile(sig))); !errors.Is(err, hashing.ErrDigests) {
		t.Errorf("twice: got %v", err)
	}
}

// An old signature of a single file does not say its name, and a list of one file is one.
func TestVerifyFilesSingle(t *testing.T) {
	one := map[string]string{"weights.bin": "0123456789"}
	_, sig, key := signed(t, hashing.Config(), one)
	statement := strings.ReplaceAll(string(must(bundle.ReadFile(sig)).UnverifiedStatement()), `{"name":"weights.bin`, `{"name":".`)
	b := sign(t, key, []byte(statement))
	if _, err := verifier(key).VerifyFiles(t.Context(), "m", listed(one), b); err != nil {
		t.Error(err)
	}
	// A program in a directory is no model of one file: whoever lists it could give it any place.
	below := map[string]string{"evil/__init__.py": one["weights.bin"]}
	if _, err := verifier(key).VerifyFiles(t.Context(), "m", listed(below), b); !errors.As(err, new(*verifying.MismatchError)) {
		t.Errorf("in a directory: got %v", err)
	}
	one["more"] = ""
	if _, err := verifier(key).VerifyFiles(t.Context(), "m", listed(one), b); !errors.As(err, new(*verifying.MismatchError)) {
		t.Errorf("two files: got %v", err)
	}
}

// A clone whose large files were not pulled verifies if the caller asks for it, and the result says what was not read.
func TestVerifyUnpulled(t *testing.T) {
	files := map[string]string{"config.json": "{}", "w.bin": strings.Repeat("w", 5000)}
	_, sig, key := signed(t, hashing.Config(), files)
	d := listed(map[string]string{"": files["w.bin"]})[0].Digest
	files["w.bin"] = "version https://git-lfs.github.com/spec/v1\noid " + d.String() + "\nsize 5000\n"
	c := verifier(key).SetHashingConfig(hashing.Config().SetFollowLFSPointers(true))
	clone := tree(t, files)
	r, err := c.Verify(clone, sig)
	if err != nil || !slices.Equal(r.Unread, []string{"w.bin"}) {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err := verifier(key).Verify(clone, sig); !errors.As(err, new(*verifying.MismatchError)) {
		t.Errorf("not asked for: got %v", err)
	}
	files["w.bin"] = strings.Replace(files["w.bin"], d.Hex[:2], "00", 1)
	if _, err := c.Verify(tree(t, files), sig); !errors.As(err, new(*verifying.MismatchError)) {
		t.Errorf("other content: got %v", err)
	}
	_, sig, key = signed(t, hashing.Config().UseShardSerialization(hashing.Shards{}), files)
	c = verifier(key).SetHashingConfig(hashing.Config().SetFollowLFSPointers(true))
	if _, err := c.Verify(clone, sig); !errors.As(err, new(*hashing.ConflictError)) {
		t.Errorf("shards: got %v", err)
	}
}
