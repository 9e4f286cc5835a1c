package layouts_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
)

const written = "..2024_05_01_10_20_30.123456789"

// volume is a configmap or projected volume as Kubernetes mounts it: files lie in a directory of one version, which
// ..data leads to, and each name at the top is a link through that.
func volume(model files) files {
	v := files{"..data": "-> " + written}
	for name, content := range model {
		v[written+"/"+name] = content
	}
	v["config.json"], v["weights.bin"], v["sub"] = "-> ..data/config.json", "-> ..data/weights.bin", "-> ..data/sub"
	return v
}

var mounted = files{"config.json": "{}", "weights.bin": "weights", "sub/vocab.txt": "a b c"}

// update has the volume show another version, as the kubelet does.
func update(t *testing.T, root string, model files) {
	const next = "..2024_05_02_00_00_00.987654321"
	for name, content := range model {
		put(t, root, next+"/"+name, content)
	}
	must(t, os.Symlink(next, filepath.Join(root, "..data_tmp")))
	must(t, os.Rename(filepath.Join(root, "..data_tmp"), filepath.Join(root, "..data")))
	must(t, os.RemoveAll(filepath.Join(root, written)))
}

var updated = files{"config.json": `{"evil":1}`, "weights.bin": "weights", "sub/vocab.txt": "a b c"}

func TestKubernetesVolumeRefused(t *testing.T) {
	root := volume(mounted).build(t)
	err := signer(newKey(t)).Sign(root, filepath.Join(t.TempDir(), "sig"))
	outcome{is: hashing.ErrSymlink, path: "model/..data", says: "links are not allowed"}.check(t, "signing", nil, err)
	sig, v := sign(t, mounted.build(t), hashing.Config())
	_, err = v.Verify(root, sig)
	outcome{is: hashing.ErrSymlink, path: "model/..data", says: "links are not allowed"}.check(t, "verifying", nil, err)
}

// The directory that ..data leads to is the plain model: it is named as the model, and nothing in it is a link.
func TestKubernetesVolumeByItsData(t *testing.T) {
	root := volume(mounted).build(t)
	sig, v := sign(t, mounted.build(t), hashing.Config())
	r, err := v.Verify(filepath.Join(root, "..data"), sig)
	outcome{}.check(t, "..data", r, err)
	update(t, root, updated)
	_, err = v.Verify(filepath.Join(root, "..data"), sig)
	outcome{changed: []string{"config.json"}}.check(t, "updated", nil, err)
}

// Where the signer has allowed links, the volume itself is the model, and what is in it besides is not signed.
func TestKubernetesVolumeWithLinks(t *testing.T) {
	root := volume(mounted).build(t)
	sig, v := sign(t, mounted.build(t), hashing.Config().SetAllowSymlinks(true))
	beside := []string{written + "/config.json", written + "/sub/vocab.txt", written + "/weights.bin", "..data"}
	_, err := v.Verify(root, sig)
	outcome{extra: append(beside[:3:3], "..data/config.json", "..data/sub/vocab.txt", "..data/weights.bin")}.check(t, "all of it", nil, err)
	r, err := v.SetIgnoreUnsignedFiles(true).Verify(root, sig)
	outcome{unsigned: beside}.check(t, "unsigned files allowed", r, err)
	r, err = v.SetOnly("config.json", "weights.bin", "sub").Verify(root, sig)
	outcome{}.check(t, "parts", r, err)
	update(t, root, updated)
	_, err = v.SetIgnoreUnsignedFiles(true).Verify(root, sig)
	outcome{changed: []string{"config.json"}}.check(t, "updated", nil, err)

	root = volume(mounted).build(t)
	link("weights.bin", "/proc/self/environ")(t, root)
	_, err = v.SetIgnoreUnsignedFiles(true).Verify(root, sig)
	outcome{is: hashing.ErrSymlink, path: "model/weights.bin", says: "leads out of the model"}.check(t, "a link out of it", nil, err)
}

// Who signs the volume itself, links allowed, signs every file three times, and names that the next update changes.
func TestKubernetesVolumeSigned(t *testing.T) {
	root := volume(mounted).build(t)
	sig, v := sign(t, root, hashing.Config().SetAllowSymlinks(true))
	r, err := v.Verify(root, sig)
	outcome{}.check(t, "as it is", r, err)
	if err == nil && len(r.Manifest.Resources) != 9 {
		t.Errorf("%d files are signed", len(r.Manifest.Resources))
	}
	update(t, root, mounted)
	const next = "..2024_05_02_00_00_00.987654321"
	_, err = v.Verify(root, sig)
	outcome{missing: []string{written + "/config.json", written + "/sub/vocab.txt", written + "/weights.bin"},
		extra: []string{next + "/config.json", next + "/sub/vocab.txt", next + "/weights.bin"}}.check(t, "updated to the same", nil, err)
}

// The caller names the model, so that name may be a link, wherever the signature is.
func TestSymlinkedRoot(t *testing.T) {
	dir := files{"v1/config.json": "{}", "v1/w/weights": "1", "v2/config.json": "{}", "v2/w/weights": "2", "current": "-> v1", "far": "-> current"}.build(t)
	current := filepath.Join(dir, "current")
	key := newKey(t)
	for _, sig := range []string{filepath.Join(dir, "model.sig"), filepath.Join(current, "model.sig"), filepath.Join(dir, "v1/w/model.sig")} {
		must(t, signer(key).Sign(current, sig))
		for _, model := range []string{"current", "far", "v1", "current/.", "v2/../far"} {
			r, err := verifier(key).Verify(filepath.Join(dir, model), sig)
			want := outcome{}
			if rel, err := filepath.Rel(filepath.Join(dir, "v1"), sig); err == nil && filepath.IsLocal(rel) {
				want.ignored = []string{filepath.ToSlash(rel)}
			} else if rel, err := filepath.Rel(current, sig); err == nil && filepath.IsLocal(rel) {
				want.ignored = []string{filepath.ToSlash(rel)}
			}
			want.check(t, model+" with "+sig, r, err)
		}
		must(t, os.Rename(sig, filepath.Join(t.TempDir(), "aside")))
	}
	sig := filepath.Join(dir, "model.sig")
	must(t, signer(key).Sign(current, sig))
	must(t, os.Remove(current))
	must(t, os.Symlink("v2", current))
	_, err := verifier(key).Verify(filepath.Join(dir, "far"), sig)
	outcome{changed: []string{"w/weights"}}.check(t, "led to another version", nil, err)
	must(t, os.Remove(current))
	_, err = verifier(key).Verify(current, sig)
	if !os.IsNotExist(unwrapped(err)) {
		t.Errorf("led nowhere: got %v", err)
	}
}

func unwrapped(err error) error {
	for {
		u, ok := err.(interface{ Unwrap() error })
		if !ok || u.Unwrap() == nil {
			return err
		}
		err = u.Unwrap()
	}
}
