package hashing_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/signing"
)

// bytesRead is how many bytes this program has read so far, by whatever system call.
func bytesRead(t *testing.T) int64 {
	t.Helper()
	data, err := os.ReadFile("/proc/self/io")
	m := regexp.MustCompile(`rchar: (\d+)`).FindSubmatch(data)
	if err != nil || m == nil {
		t.Skip("the system does not tell", err)
	}
	n, err := strconv.ParseInt(string(m[1]), 10, 64)
	must(t, err)
	return n
}

// Signing a model of 500 GB again, after its README changed, reads less than 1 MB of it.
//
// The files are sparse: 500 of 1 GB each, all zeros. One of them is hashed as it is. That the other 499 were hashed
// before is simulated: the cache is given the same digest for them. All else is what every user has, and that the
// bytes are counted right is seen by changing one of the files.
func TestSignAgain(t *testing.T) {
	const size, count = 1_000_000_000, 500
	dir := t.TempDir()
	root := filepath.Join(dir, "model")
	must(t, os.Mkdir(root, 0o777))
	must(t, os.WriteFile(filepath.Join(root, "README.md"), []byte("one"), 0o666))
	names := make([]string, count)
	for i := range names {
		names[i] = filepath.Join(root, fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, count))
		must(t, os.WriteFile(names[i], nil, 0o666))
		if err := os.Truncate(names[i], size); err != nil {
			t.Skip(err)
		}
	}
	cache := newCache(t, filepath.Join(dir, "cache"))
	zeros, err := hashing.Config().SetCache(cache).Hash(names[0])
	must(t, err)
	sum, err := hex.DecodeString(zeros.Resources[0].Digest.Hex)
	must(t, err)
	for _, name := range names[1:] {
		must(t, cache.Seed(name, sum))
	}
	must(t, cache.Save())

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	sign := func(what string) (m *manifest.Manifest, read int64) {
		before := bytesRead(t)
		cache := newCache(t, filepath.Join(dir, "cache"))
		err := signing.Config().UseEllipticKeySigner(signing.EllipticKey{Key: key}).
			SetHashingConfig(hashing.Config().SetCache(cache)).Sign(root, filepath.Join(dir, "sig"))
		must(t, err)
		must(t, cache.Save())
		read = bytesRead(t) - before
		b, err := bundle.ReadFile(filepath.Join(dir, "sig"))
		must(t, err)
		m, err = bundle.ParseStatement(b.UnverifiedStatement())
		must(t, err)
		t.Logf("%s: %d bytes were read", what, read)
		return m, read
	}
	_, read := sign("first")
	for _, content := range []string{"another", "and another"} {
		must(t, os.WriteFile(filepath.Join(root, "README.md"), []byte(content), 0o666))
		var m *manifest.Manifest
		if m, read = sign("README changed"); read >= 1_000_000 {
			t.Errorf("%d bytes were read", read)
		}
		equal(t, "README", lines(m)[:1], wants("README.md", content))
		for _, r := range m.Resources[1:] {
			if r.Digest != zeros.Resources[0].Digest {
				t.Fatalf("%s has the digest %s", r.Path, r.Digest)
			}
		}
	}
	must(t, os.Chtimes(names[7], time.Time{}, time.Now()))
	if _, read = sign("one file touched"); read < size {
		t.Errorf("%d bytes were read, although a file has another time", read)
	}
}
