package layouts_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/verifying"
)

// published is a model as its publisher has it. Two of its files are equal, and so one blob in a cache.
var published = files{
	"config.json": `{"model_type":"bert"}`, "tokenizer_config.json": "{}", "special_tokens_map.json": "{}",
	"model.safetensors": safetensors("a", strings.Repeat("w", 500)), "onnx/model.onnx": strings.Repeat("o", 300), "onnx/quantized/model.onnx": strings.Repeat("q", 300),
	"1_Pooling/config.json": `{"word_embedding_dimension":384}`, "empty.txt": "",
}

const commit = "c5f93f70b12a7d8d3b6a1d2f0e9b8a7c6d5e4f3a"

// blobOf names a blob as the hub does: large files by SHA-256, others by git's SHA-1, which is 40 digits long.
func blobOf(name, content string) string {
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(content)))
	if strings.HasSuffix(name, ".safetensors") || strings.HasSuffix(name, ".onnx") {
		return sum
	}
	return sum[:40]
}

// cached puts a model into a cache as huggingface_hub does, and returns its repository and its snapshot.
func cached(t *testing.T, model files) (repository, snapshot string) {
	t.Helper()
	cache := t.TempDir()
	repository = filepath.Join(cache, "models--org--bert")
	for name, content := range model {
		blob := blobOf(name, content)
		put(t, repository, "blobs/"+blob, content)
		put(t, repository, "snapshots/"+commit+"/"+name, "-> "+strings.Repeat("../", 2+strings.Count(name, "/"))+"blobs/"+blob)
	}
	put(t, repository, "refs/main", commit)
	put(t, repository, ".no_exist/"+commit+"/added_tokens.json", "")
	put(t, cache, "models--org--other/blobs/"+blobOf("config.json", "{}"), "{}")
	put(t, cache, ".locks/models--org--bert/x.lock", "")
	return repository, filepath.Join(repository, "snapshots", commit)
}

var ways = map[string]hashing.Configuration{
	"files":  hashing.Config(),
	"shards": hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 100, Algorithm: manifest.BLAKE3}),
}

// What was signed as a plain directory verifies as a snapshot, and the other way round.
func TestHuggingFaceCache(t *testing.T) {
	for name, h := range ways {
		plain := published.build(t)
		_, snapshot := cached(t, published)
		view, err := hashing.OpenSnapshot(snapshot)
		must(t, err)
		t.Cleanup(func() { view.Close() })
		want := outcome{}
		if name == "shards" {
			want.unsigned = []string{"empty.txt"}
		}

		sig, v := sign(t, plain, h)
		b, err := bundle.ReadFile(sig)
		must(t, err)
		r, err := v.VerifyFS(t.Context(), view, "bert", b)
		want.check(t, name+": the plain directory's signature, in a view", r, err)
		r, err = v.SetHashingConfig(hashing.Config().SetHuggingFace(true)).Verify(snapshot, sig)
		want.check(t, name+": the plain directory's signature, by path", r, err)
		_, err = v.Verify(snapshot, sig)
		outcome{is: hashing.ErrSymlink}.check(t, name+": without a view", nil, err)

		key := newKey(t)
		b, err = signer(key).SetHashingConfig(h).SignFS(t.Context(), view, "bert")
		must(t, err)
		must(t, b.WriteFile(sig))
		r, err = verifier(key).Verify(plain, sig)
		want.check(t, name+": the snapshot's signature", r, err)
	}
}

func TestHuggingFaceCacheBroken(t *testing.T) {
	config := blobOf("config.json", published["config.json"])
	shared := blobOf("tokenizer_config.json", "{}")
	weights := blobOf("model.safetensors", published["model.safetensors"])
	other := blobOf("config.json", "{}")
	in := "snapshots/" + commit + "/"
	for _, b := range []breakage{
		{"a blob changed", flip("blobs/"+weights, 300), outcome{changed: []string{"model.safetensors"}}},
		{"a blob with two names changed", write("blobs/"+shared, "[]"), outcome{changed: []string{"special_tokens_map.json", "tokenizer_config.json"}}},
		{"a blob deleted to free space", remove("blobs/" + weights), outcome{is: hashing.ErrSymlink, path: in + "model.safetensors", says: "blobs/" + weights + `", which is missing`}},
		{"no blobs at all", remove("blobs"), outcome{is: fs.ErrNotExist, path: in + "config.json"}},
		{"another blob", link(in+"config.json", "../../blobs/"+shared), outcome{changed: []string{"config.json"}}},
		{"an absolute link to the right blob", func(t *testing.T, root string) {
			link(in+"onnx/model.onnx", filepath.Join(root, "blobs", blobOf("x.onnx", published["onnx/model.onnx"])))(t, root)
		}, outcome{}},
		{"a link to outside", link(in+"config.json", "../../../../../etc/hostname"), outcome{is: hashing.ErrSymlink, path: in + "config.json", says: `leads to "../../../../../etc/hostname"`}},
		{"an absolute link to outside", link(in+"config.json", "/etc/hostname"), outcome{is: hashing.ErrSymlink, path: in + "config.json", says: `leads to "/etc/hostname"`}},
		{"a link to another repository's blob", link(in+"tokenizer_config.json", "../../../models--org--other/blobs/"+other),
			outcome{is: hashing.ErrSymlink, path: in + "tokenizer_config.json", says: "not in the blobs of its repository"}},
		{"a link by way of the same directory", link(in+"config.json", "../"+commit+"/../../blobs/"+config), outcome{is: hashing.ErrSymlink, path: in + "config.json"}},
		{"a link in the snapshot", link(in+"config.json", "1_Pooling/config.json"), outcome{is: hashing.ErrSymlink, path: in + "config.json"}},
		{"a blob that is a link", link("blobs/"+config, "../refs/main"), outcome{is: hashing.ErrSymlink, path: in + "config.json"}},
		{"a directory that is a link", func(t *testing.T, root string) {
			must(t, os.Rename(filepath.Join(root, in, "onnx"), filepath.Join(root, "onnx")))
			link(in+"onnx", "../../onnx")(t, root)
		}, outcome{is: hashing.ErrSymlink, path: in + "onnx"}},
		{"a file more", link(in+"modeling.py", "../../blobs/"+config), outcome{extra: []string{"modeling.py"}}},
		{"a file less", remove(in + "empty.txt"), outcome{missing: []string{"empty.txt"}}},
		{"a file that is no link", func(t *testing.T, root string) {
			must(t, os.Remove(filepath.Join(root, in, "config.json")))
			write(in+"config.json", published["config.json"])(t, root)
		}, outcome{}},
		{"another revision, a ref, what does not exist, a download under way", func(t *testing.T, root string) {
			write("snapshots/aaaa/config.json", "x")(t, root)
			write("refs/pr/1", "aaaa")(t, root)
			write(".no_exist/"+commit+"/vocab.txt", "")(t, root)
			write("blobs/0123.incomplete", "x")(t, root)
		}, outcome{}},
	} {
		sig, v := sign(t, published.build(t), hashing.Config())
		root, snapshot := cached(t, published)
		b.change(t, root)
		r, err := v.SetHashingConfig(hashing.Config().SetHuggingFace(true)).Verify(snapshot, sig)
		b.want.check(t, b.name, r, err)
	}
}

// Systems without links have the files in the snapshot.
func TestHuggingFaceCacheWithoutLinks(t *testing.T) {
	sig, v := sign(t, published.build(t), hashing.Config())
	repository := filepath.Join(t.TempDir(), "models--org--bert")
	for name, content := range published {
		put(t, repository, "snapshots/"+commit+"/"+name, content)
	}
	r, err := v.SetHashingConfig(hashing.Config().SetHuggingFace(true)).Verify(filepath.Join(repository, "snapshots", commit), sig)
	outcome{}.check(t, "without links", r, err)
}

// A part of a snapshot may be all that was downloaded.
func TestHuggingFaceCacheInParts(t *testing.T) {
	sig, v := sign(t, published.build(t), hashing.Config())
	_, snapshot := cached(t, files{"config.json": published["config.json"], "onnx/model.onnx": published["onnx/model.onnx"]})
	v = v.SetHashingConfig(hashing.Config().SetHuggingFace(true))
	r, err := v.SetOnly("config.json", "onnx/*.onnx").Verify(snapshot, sig)
	outcome{}.check(t, "what is there", r, err)
	if err == nil && (!r.Partial || len(r.Unchecked) != len(published)-2) {
		t.Errorf("got %+v", r)
	}
	_, err = v.SetOnly("onnx").Verify(snapshot, sig)
	outcome{missing: []string{"onnx/quantized/model.onnx"}}.check(t, "what is not there", nil, err)
}

// A download into a directory leaves what is needed to go on with it there. That is not silently passed over.
func TestHuggingFaceLocalDir(t *testing.T) {
	root := published.build(t)
	sig, v := sign(t, root, hashing.Config())
	for _, name := range []string{".gitignore", "download/config.json.metadata", "download/config.json.lock", "download/onnx/model.onnx.metadata"} {
		put(t, root, hashing.HuggingFaceCache+"/"+name, "x")
	}
	_, err := v.Verify(root, sig)
	var mismatch *verifying.MismatchError
	if !errors.As(err, &mismatch) || len(mismatch.Extra) != 4 {
		t.Errorf("got %v", err)
	}
	for name, h := range map[string]hashing.Configuration{
		"by its layout": hashing.Config().SetHuggingFace(true), "by its path": hashing.Config().AddIgnoredPaths(hashing.HuggingFaceCache)} {
		r, err := v.SetHashingConfig(h).Verify(root, sig)
		outcome{ignored: []string{".cache/huggingface/"}}.check(t, name, r, err)
	}
	put(t, root, ".cache/pip/x", "x")
	_, err = v.SetHashingConfig(hashing.Config().SetHuggingFace(true)).Verify(root, sig)
	outcome{extra: []string{".cache/pip/x"}}.check(t, "another cache", nil, err)
}
