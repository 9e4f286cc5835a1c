package layouts_test

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// bytesRead is how many bytes this program has read so far, by whatever system call.
func bytesRead(t *testing.T) int64 {
	t.Helper()
	data, err := os.ReadFile("/proc/self/io")
	m := regexp.MustCompile(`rchar: (\d+)`).FindSubmatch(data)
	if err != nil || m == nil {
		t.Skip("the system does not tell how much was read", err)
	}
	n, err := strconv.ParseInt(string(m[1]), 10, 64)
	must(t, err)
	return n
}

// writeCache writes a digest cache as if each of the files had been hashed to the same digest.
func writeCache(t *testing.T, name string, files []string, sum []byte) {
	t.Helper()
	stats := make([]syscall.Stat_t, len(files))
	for i, file := range files {
		must(t, syscall.Stat(file, &stats[i]))
	}
	slices.SortFunc(stats, func(a, b syscall.Stat_t) int { return cmp.Or(cmp.Compare(a.Dev, b.Dev), cmp.Compare(a.Ino, b.Ino)) })
	var b bytes.Buffer
	b.WriteString("model-signing digest cache 1\n")
	for _, st := range stats {
		data := binary.LittleEndian.AppendUint64(nil, uint64(st.Dev))
		data = append(binary.LittleEndian.AppendUint64(data, st.Ino), 0) // SHA-256
		for _, n := range []int64{0, st.Size, st.Mtim.Nano(), st.Ctim.Nano(), time.Now().Unix()} {
			data = binary.LittleEndian.AppendUint64(data, uint64(n))
		}
		b.Write(append(data, sum...))
	}
	checksum := sha256.Sum256(b.Bytes())
	b.Write(checksum[:])
	must(t, os.WriteFile(name, b.Bytes(), 0o600))
}

// Signing a model of 500 GB again, after its README changed, reads less than 1 MB of it, and so does verifying it.
//
// The files are sparse: 500 of 1 GB each, all zeros. One of them is hashed as it is. That the others were hashed before,
// and longer ago than two seconds, is simulated: the test writes a cache with that digest for all of them. All else is
// what every user has, and that bytes are counted right is seen by touching one of the files.
func TestSignAgain(t *testing.T) {
	const size, count = 1_000_000_000, 500
	dir := t.TempDir()
	root, cacheFile, sig := filepath.Join(dir, "model"), filepath.Join(dir, "cache"), filepath.Join(dir, "sig")
	put(t, root, "README.md", "one")
	names := make([]string, count)
	for i := range names {
		names[i] = filepath.Join(root, fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, count))
		must(t, os.WriteFile(names[i], nil, 0o666))
		if err := os.Truncate(names[i], size); err != nil {
			t.Skip(err)
		}
	}
	zeros, err := hashing.Hash(names[0])
	must(t, err)
	sum, err := hex.DecodeString(zeros.Resources[0].Digest.Hex)
	must(t, err)
	writeCache(t, cacheFile, names, sum)

	key := newKey(t)
	// read runs with the cache and returns how many bytes were read, the cache and the signature among them.
	read := func(what string, run func(hashing.Configuration) error) int64 {
		before := bytesRead(t)
		cache, err := hashing.OpenCache(cacheFile)
		must(t, err)
		must(t, run(hashing.Config().SetCache(cache)))
		must(t, cache.Save())
		n := bytesRead(t) - before
		t.Logf("%s: %d bytes were read", what, n)
		return n
	}
	sign := func(h hashing.Configuration) error { return signer(key).SetHashingConfig(h).Sign(root, sig) }
	verify := func(h hashing.Configuration) error {
		_, err := verifier(key).SetHashingConfig(h).Verify(root, sig)
		return err
	}
	read("signing", sign)
	must(t, os.WriteFile(filepath.Join(root, "README.md"), []byte("two"), 0o666))
	if n := read("signing after README changed", sign); n >= 1_000_000 {
		t.Errorf("%d bytes were read to sign", n)
	}
	if n := read("verifying", verify); n >= 1_000_000 {
		t.Errorf("%d bytes were read to verify", n)
	}
	b, err := bundle.ReadFile(sig)
	must(t, err)
	m, err := bundle.ParseStatement(b.UnverifiedStatement())
	must(t, err)
	readme := sha256.Sum256([]byte("two"))
	if len(m.Resources) != count+1 || m.Resources[0].Digest != manifest.NewDigest(manifest.SHA256, readme[:]) {
		t.Errorf("signed are %d files, %v first", len(m.Resources), m.Resources[0])
	}
	for _, r := range m.Resources[1:] {
		if r.Digest != zeros.Resources[0].Digest {
			t.Fatalf("%s has the digest %s", r.Path, r.Digest)
		}
	}
	must(t, os.Chtimes(names[7], time.Time{}, time.Now()))
	if n := read("verifying after a file was touched", verify); n < size {
		t.Errorf("%d bytes were read, although a file has another time", n)
	}
}
