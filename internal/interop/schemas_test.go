package interop_test

import (
	"crypto/elliptic"
	"os"
	"path/filepath"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// What this library writes is what the JSON Schemas of the format describe, and the schemas are ones that refuse.
func TestSchemas(t *testing.T) {
	r, k, model := newReference(t), newKeys(t, elliptic.P384()), newModel(t, nested)
	schemas := os.Getenv("MODEL_SIGNING_SCHEMAS")
	if schemas == "" {
		t.Skip("MODEL_SIGNING_SCHEMAS names no directory with the JSON Schemas of the format, which are at github.com/ossf/model-signing-spec")
	}
	single := filepath.Join(t.TempDir(), "model.gguf")
	write(t, single, "weights")
	args := []string{"validate", schemas, sign(t, single, k, hashing.Config())}
	for _, h := range []hashing.Configuration{
		hashing.Config(),
		hashing.Config().SetIgnoreGitPaths(false).SetAllowSymlinks(true),
		hashing.Config().SetIgnoredPaths("a"),
		hashing.Config().UseFileSerialization(hashing.Files{Algorithm: manifest.BLAKE2b}),
		hashing.Config().UseShardSerialization(hashing.Shards{Algorithm: manifest.BLAKE3, ShardSize: 16}),
		hashing.Config().UseShardSerialization(hashing.Shards{}),
	} {
		args = append(args, sign(t, model, k, h))
	}
	r.must(r.script(args...))

	theirs := filepath.Join(t.TempDir(), "theirs.sig")
	r.must(r.script("sign", model, theirs, k.private, "shard", "{}"))
	out, err := r.script("validate", schemas, theirs)
	r.refuses("'sha256-sharded-1000000000' is not one of", out, err)
}
