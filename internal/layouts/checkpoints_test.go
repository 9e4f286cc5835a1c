package layouts_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
)

func TestSavedModel(t *testing.T) {
	layout{
		files: files{
			"saved_model.pb": "\x08\x01\x12\x10serve", "fingerprint.pb": "fp", "keras_metadata.pb": "km",
			"variables/variables.index": "index", "variables/variables.data-00000-of-00002": strings.Repeat("0", 100), "variables/variables.data-00001-of-00002": strings.Repeat("1", 100),
			"assets/vocab.txt": "a\nb\n", "assets.extra/": "",
		},
		breakages: []breakage{
			{"another vocabulary", write("assets/vocab.txt", "b\na\n"), outcome{changed: []string{"assets/vocab.txt"}}},
			{"variables swapped", swap("variables/variables.data-00000-of-00002", "variables/variables.data-00001-of-00002"),
				outcome{changed: []string{"variables/variables.data-00000-of-00002", "variables/variables.data-00001-of-00002"}}},
			{"a graph in text, which old loaders prefer", write("saved_model.pbtxt", "x"), outcome{extra: []string{"saved_model.pbtxt"}}},
			{"variables of another export", remove("variables"), outcome{missing: []string{
				"variables/variables.data-00000-of-00002", "variables/variables.data-00001-of-00002", "variables/variables.index"}}},
			{"directories without files are not covered", remove("assets.extra"), outcome{}},
			{"a directory in the place of a file", func(t *testing.T, root string) {
				remove("fingerprint.pb")(t, root)
				write("fingerprint.pb/x", "x")(t, root)
			}, outcome{missing: []string{"fingerprint.pb"}, extra: []string{"fingerprint.pb/x"}}},
		},
	}.test(t)
}

func TestDCP(t *testing.T) {
	layout{
		files: files{".metadata": "\x80\x04pickle", "__0_0.distcp": strings.Repeat("0", 300), "__0_1.distcp": strings.Repeat("1", 300), "__1_0.distcp": strings.Repeat("2", 300)},
		breakages: []breakage{
			{"the pickle with the plan", flip(".metadata", 3), outcome{changed: []string{".metadata"}}},
			{"the pickle is missing", remove(".metadata"), outcome{missing: []string{".metadata"}}},
			{"a rank that did not write", remove("__1_0.distcp"), outcome{missing: []string{"__1_0.distcp"}}},
			{"a rank that is still writing", write(".metadata.tmp", "x"), outcome{extra: []string{".metadata.tmp"}}},
			{"ranks swapped", swap("__0_0.distcp", "__1_0.distcp"), outcome{changed: []string{"__0_0.distcp", "__1_0.distcp"}}},
			{"more ranks than before", write("__2_0.distcp", "x"), outcome{extra: []string{"__2_0.distcp"}}},
		},
	}.test(t)
}

// orbax is a checkpoint of a step, whose markers are empty.
var orbax = files{
	"_CHECKPOINT_METADATA": `{"item_handlers":{}}`, "commit_success.txt": "", "default/_METADATA": "{}", "default/_sharding": "{}",
	"default/_strings.json": "", "default/array_metadatas/process_0": "[]", "default/manifest.ocdbt": "ocdbt", "default/d/0a1b2c": strings.Repeat("d", 300),
	"default/ocdbt.process_0/manifest.ocdbt": "ocdbt", "default/ocdbt.process_0/d/3d4e5f": strings.Repeat("e", 300), "metrics/metrics": "{}", "default/.zarray": "",
}

func TestOrbax(t *testing.T) {
	empty := []string{"commit_success.txt", "default/.zarray", "default/_strings.json"}
	layout{
		files:    orbax,
		unsigned: empty,
		breakages: []breakage{
			{"a checkpoint that was not committed", remove("commit_success.txt"), outcome{missing: []string{"commit_success.txt"}}},
			{"a chunk that was collected as garbage", remove("default/d/0a1b2c"), outcome{missing: []string{"default/d/0a1b2c"}}},
			{"a marker with content", write("commit_success.txt", "yes"), outcome{changed: []string{"commit_success.txt"}}},
			{"another empty marker", write("_RESERVED", ""), outcome{extra: []string{"_RESERVED"}}},
			{"a step that is being written", write("default/d/777.orbax-checkpoint-tmp-1", "x"), outcome{extra: []string{"default/d/777.orbax-checkpoint-tmp-1"}}},
		},
	}.test(t)
}

// Shards have no digest for files without bytes: whether they are there is not covered, and the result says which
// are. They can't get bytes unnoticed.
func TestOrbaxMarkersInShards(t *testing.T) {
	h := hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 1000})
	for _, b := range []breakage{
		{"a marker removed", remove("commit_success.txt"), outcome{unsigned: []string{"default/.zarray", "default/_strings.json"}}},
		{"a marker added", write("_RESERVED", ""), outcome{unsigned: []string{"_RESERVED", "commit_success.txt", "default/.zarray", "default/_strings.json"}}},
		{"a marker with content", write("commit_success.txt", "yes"), outcome{extra: []string{"commit_success.txt:0:3"}}},
		{"a chunk emptied", truncate("default/d/0a1b2c", 0), outcome{missing: []string{"default/d/0a1b2c:0:300"}}},
	} {
		root := orbax.build(t)
		sig, v := sign(t, root, h)
		b.change(t, root)
		r, err := v.Verify(root, sig)
		b.want.check(t, b.name, r, err)
	}
}

// A checkpoint of nothing but markers has nothing that shards could sign.
func TestMarkersAlone(t *testing.T) {
	root := files{"_CHECKPOINT_METADATA": "", "d/commit_success.txt": ""}.build(t)
	h := hashing.Config().UseShardSerialization(hashing.Shards{})
	err := signer(newKey(t)).SetHashingConfig(h).Sign(root, filepath.Join(t.TempDir(), "sig"))
	outcome{is: hashing.ErrEmptyModel, path: "model"}.check(t, "shards", nil, err)
	sig, v := sign(t, root, hashing.Config())
	r, err := v.Verify(root, sig)
	outcome{}.check(t, "files", r, err)
	must(t, os.Remove(filepath.Join(root, "d/commit_success.txt")))
	_, err = v.Verify(root, sig)
	outcome{missing: []string{"d/commit_success.txt"}}.check(t, "removed", nil, err)
}
