package interop_test

import (
	"crypto/elliptic"
	"os"
	"path/filepath"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// What the reference can't verify of what this library writes, as the README lists it. Where there is another way
// by which it can, the test shows that too.

// It calls the only file of a model "." and not by its name.
func TestRefusesSingleFiles(t *testing.T) {
	r, k := newReference(t), newKeys(t, elliptic.P256())
	model := filepath.Join(t.TempDir(), "model.gguf")
	write(t, model, "weights")
	ours := sign(t, model, k, hashing.Config())
	for _, verify := range []func() (string, error){
		func() (string, error) {
			return r.command("verify", "key", model, "--signature", ours, "--public_key", k.public)
		},
		func() (string, error) { return r.script("verify", model, ours, k.public) },
	} {
		out, err := verify()
		r.refuses("Missing files in model 'model.gguf': model.gguf", out, err)
	}
	theirs := filepath.Join(t.TempDir(), "theirs.sig")
	r.must(r.command("sign", "key", model, "--signature", theirs, "--private_key", k.private))
	verify(t, model, theirs, k)
}

// Its command line hashes files with SHA-256 whatever was signed, and its API compares algorithm names, which it
// writes in another way than the format for shards.
func TestRefusesShards(t *testing.T) {
	r, k, model := newReference(t), newKeys(t, elliptic.P256()), newModel(t, flat)
	ours := sign(t, model, k, hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 4}))
	out, err := r.command("verify", "key", model, "--signature", ours, "--public_key", k.public)
	r.refuses("Extra files found in model", out, err)
	out, err = r.script("verify", model, ours, k.public)
	r.refuses("Expected 'Digest(algorithm='sha256'", out, err)
	r.refuses("Actual 'Digest(algorithm='sha256-sharded-4'", out, err)
}

// It splits the names of shards at every colon.
func TestRefusesColonsInShards(t *testing.T) {
	r, k, model := newReference(t), newKeys(t, elliptic.P256()), newModel(t, flat)
	if err := os.WriteFile(filepath.Join(model, "a:b"), []byte("weights"), 0o666); err != nil {
		t.Skip("no colons in names here: ", err)
	}
	theirs := filepath.Join(t.TempDir(), "theirs.sig")
	r.must(r.script("sign", model, theirs, k.private, "shard", "{}"))
	verify(t, model, theirs, k)
	ours := sign(t, model, k, hashing.Config().UseShardSerialization(hashing.Shards{}))
	for _, signature := range []string{ours, theirs} {
		out, err := r.script("verify", model, signature, k.public)
		r.refuses("expected 3 components separated by `:`", out, err)
	}
}

// Its signatures say "blake2b", and its API looks for "blake2". Told which hash to use, it verifies.
func TestRefusesBLAKE2(t *testing.T) {
	r, k, model := newReference(t), newKeys(t, elliptic.P256()), newModel(t, nested)
	ours := sign(t, model, k, hashing.Config().UseFileSerialization(hashing.Files{Algorithm: manifest.BLAKE2b}))
	out, err := r.command("verify", "key", model, "--signature", ours, "--public_key", k.public)
	r.refuses("Hash mismatch for", out, err)
	out, err = r.script("verify", model, ours, k.public)
	r.refuses("Unsupported hashing method blake2b", out, err)
	r.must(r.script("verify_as", model, ours, k.public, "file", options(t, map[string]any{"hashing_algorithm": "blake2"})))
}

// Its command line knows SHA-256 only; its API finds BLAKE3 in the signature.
func TestRefusesBLAKE3(t *testing.T) {
	r, k, model := newReference(t), newKeys(t, elliptic.P256()), newModel(t, nested)
	ours := sign(t, model, k, hashing.Config().UseFileSerialization(hashing.Files{Algorithm: manifest.BLAKE3}))
	out, err := r.command("verify", "key", model, "--signature", ours, "--public_key", k.public)
	r.refuses("Hash mismatch for", out, err)
	r.must(r.script("verify", model, ours, k.public))
}

// Its API ignores git's own files whatever was signed. Its command line has a flag.
func TestRefusesGitPaths(t *testing.T) {
	r, k, model := newReference(t), newKeys(t, elliptic.P256()), newModel(t, nested)
	ours := sign(t, model, k, hashing.Config().SetIgnoreGitPaths(false))
	out, err := r.script("verify", model, ours, k.public)
	r.refuses("Missing files in model 'model': .git/HEAD, .gitattributes", out, err)
	r.must(r.command("verify", "key", model, "--signature", ours, "--public_key", k.public, "--no-ignore-git-paths"))
}

// Its API refuses links whatever was signed. Its command line has a flag; see TestSymlinks.
func TestRefusesSymlinks(t *testing.T) {
	r, k, model := newReference(t), newKeys(t, elliptic.P256()), newModel(t, flat)
	if err := os.Symlink("config.json", filepath.Join(model, "link.json")); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	ours := sign(t, model, k, hashing.Config().SetAllowSymlinks(true))
	out, err := r.script("verify", model, ours, k.public)
	r.refuses("because it is a symlink", out, err)
}

// A changed model is refused: the tests above prove nothing if the reference accepts all that it is given.
func TestRefusesChanges(t *testing.T) {
	r, k, model := newReference(t), newKeys(t, elliptic.P256()), newModel(t, flat)
	ours := sign(t, model, k, hashing.Config())
	write(t, filepath.Join(model, "config.json"), "[]")
	out, err := r.command("verify", "key", model, "--signature", ours, "--public_key", k.public)
	r.refuses("Hash mismatch for 'config.json'", out, err)
}
