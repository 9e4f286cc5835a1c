package verifying_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/verifying"
)

// Each test here is an attack that worked once.

// A whole shard behind the end of a signed file is not an unsigned file.
func TestAppendedShard(t *testing.T) {
	model, sig, key := signed(t, hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 10}),
		map[string]string{"w.bin": "0123456789"})
	write(t, filepath.Join(model, "w.bin"), "0123456789EVIL-TAIL")
	write(t, filepath.Join(model, "other"), strings.Repeat("x", 25))
	_, err := verifier(key).SetIgnoreUnsignedFiles(true).Verify(model, sig)
	var mismatch *verifying.MismatchError
	if !errors.As(err, &mismatch) || !slices.Equal(mismatch.Extra, []string{"w.bin:10:19"}) {
		t.Errorf("got %v, want a mismatch about w.bin:10:19 alone", err)
	}
	got := must(hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 10}).Hash(model))
	_, err = verifier(key).SetIgnoreUnsignedFiles(true).VerifyManifest(context.Background(), got, must(bundle.ReadFile(sig)))
	if !errors.As(err, &mismatch) || !slices.Equal(mismatch.Extra, []string{"w.bin:10:19"}) {
		t.Errorf("VerifyManifest: got %v", err)
	}
	write(t, filepath.Join(model, "w.bin"), "0123456789")
	r, err := verifier(key).SetIgnoreUnsignedFiles(true).Verify(model, sig)
	if err != nil || !slices.Equal(r.Unsigned, []string{"other"}) {
		t.Errorf("got %v, %v", r, err)
	}
}

// Sizes of whole files are not signed: what takes their place may be of any.
func TestMaxBytes(t *testing.T) {
	model, sig, key := signed(t, hashing.Config(), map[string]string{"a": "x"})
	if err := os.Truncate(filepath.Join(model, "a"), 1<<42); err != nil {
		t.Skip("no sparse files here: ", err)
	}
	c := verifier(key).SetHashingConfig(hashing.Config().SetMaxBytes(1 << 30))
	if _, err := c.Verify(model, sig); !errors.Is(err, hashing.ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
	r := must(c.Receive(t.Context(), must(bundle.ReadFile(sig))))
	if _, err := r.CreateAt("a", 1<<42); !errors.Is(err, hashing.ErrTooLarge) {
		t.Errorf("receiving: got %v, want ErrTooLarge", err)
	}
}

// Sizes whose sums overflow are counted.
func TestHugeSizes(t *testing.T) {
	model, sig, key := signed(t, hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 1}), map[string]string{"a": "x"})
	size := int64(math.MaxInt64)
	for size > 1<<40 && os.Truncate(filepath.Join(model, "a"), size) != nil {
		size >>= 1
	}
	write(t, filepath.Join(model, "b"), "")
	if err := os.Truncate(filepath.Join(model, "b"), size); err != nil {
		t.Skip("no sparse files here: ", err)
	}
	for _, ignore := range []bool{false, true} {
		want := hashing.ErrTooMany
		if !ignore && size > math.MaxInt64/2 {
			want = hashing.ErrTooLarge
		}
		if _, err := verifier(key).SetIgnoreUnsignedFiles(ignore).Verify(model, sig); !errors.Is(err, want) {
			t.Errorf("got %v, want that there are %v", err, want)
		}
	}
}

// Links that show each directory twice make a tree of any size, which is bounded while it is listed.
func TestLinkBomb(t *testing.T) {
	model, sig, key := signed(t, hashing.Config().SetAllowSymlinks(true), map[string]string{"a": "x"})
	for i := range 40 {
		dir := filepath.Join(model, "d"+strconv.Itoa(i))
		write(t, filepath.Join(dir, "file"), "")
		for _, name := range []string{"l", "r"} {
			if err := os.Symlink(filepath.Join("..", "d"+strconv.Itoa(i+1)), filepath.Join(dir, name)); err != nil {
				t.Skip("no symbolic links here: ", err)
			}
		}
	}
	write(t, filepath.Join(model, "d40", "file"), "")
	c := verifier(key).SetHashingConfig(hashing.Config().SetMaxResources(10_000))
	if _, err := c.Verify(model, sig); !errors.Is(err, hashing.ErrTooMany) {
		t.Errorf("got %v, want ErrTooMany", err)
	}
}

// A stranger's signature does not make a verifier read what is outside of the model.
func TestLinkOut(t *testing.T) {
	model, sig, key := signed(t, hashing.Config().SetAllowSymlinks(true), map[string]string{"a": "x", "d/b": "y"})
	secret := filepath.Join(filepath.Dir(model), "secret")
	write(t, secret, "x")
	if err := errors.Join(os.Remove(filepath.Join(model, "a")), os.Symlink(secret, filepath.Join(model, "a"))); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	if _, err := verifier(key).Verify(model, sig); !errors.Is(err, hashing.ErrSymlink) {
		t.Errorf("got %v, want ErrSymlink", err)
	}
	allowed := verifier(key).SetHashingConfig(hashing.Config().SetAllowSymlinks(true))
	if _, err := allowed.Verify(model, sig); err != nil {
		t.Errorf("where the caller allows links: %v", err)
	}
	if err := errors.Join(os.Remove(filepath.Join(model, "a")), os.Symlink("d/b", filepath.Join(model, "a"))); err != nil {
		t.Fatal(err)
	}
	if _, err := verifier(key).Verify(model, sig); !errors.As(err, new(*verifying.MismatchError)) {
		t.Errorf("a link inside: got %v, want a mismatch of its content", err)
	}
}

// A directory is never taken for a file called by a dot, even if it becomes one at the wrong moment.
func TestDirectoryForFile(t *testing.T) {
	dir := tree(t, map[string]string{"evil.py": "x"})
	key := newKey(t, curves[0])
	single := filepath.Join(filepath.Dir(dir), "weights.bin")
	write(t, single, "x")
	sig := single + ".sig"
	if err := signer(key).Sign(single, sig); err != nil {
		t.Fatal(err)
	}
	statement := strings.ReplaceAll(string(must(bundle.ReadFile(sig)).UnverifiedStatement()), `{"name":"weights.bin","digest":"2`, `{"name":".","digest":"2`)
	if err := sign(t, key, []byte(statement)).WriteFile(sig); err != nil {
		t.Fatal(err)
	}
	if _, err := verifier(key).Verify(single, sig); err != nil {
		t.Fatal(err)
	}
	for _, ignore := range []bool{false, true} {
		if _, err := verifier(key).SetIgnoreUnsignedFiles(ignore).Verify(dir, sig); !errors.As(err, new(*verifying.MismatchError)) {
			t.Errorf("got %v", err)
		}
	}
}

// A signature that is no file is refused at once, whatever its size claims.
func TestOddSignatureFiles(t *testing.T) {
	model, _, key := signed(t, hashing.Config(), small)
	sparse := filepath.Join(t.TempDir(), "sparse")
	write(t, sparse, "")
	if err := os.Truncate(sparse, 1<<30); err != nil {
		t.Skip("no sparse files here: ", err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := verifier(key).Verify(model, sparse); !errors.Is(err, bundle.ErrMalformed) {
		t.Errorf("got %v", err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes allocated for a file of zeros", n)
	}
	if _, err := verifier(key).SetMaxBundleSize(100).Verify(model, sparse); !errors.Is(err, bundle.ErrMalformed) ||
		!strings.Contains(err.Error(), "limit of 100") {
		t.Errorf("got %v", err)
	}
}

// Long names do not fill the log, nor many ignored paths the memory.
func TestLongLists(t *testing.T) {
	model, sig, key := signed(t, hashing.Config(), map[string]string{"a": "x"})
	statement := must(bundle.ReadFile(sig)).UnverifiedStatement()
	long := bytes.ReplaceAll(statement, []byte(`{"name":"a"`), []byte(`{"name":"`+strings.Repeat("a", 1<<20)+`"`))
	if err := sign(t, key, long).WriteFile(sig); err != nil {
		t.Fatal(err)
	}
	if _, err := verifier(key).Verify(model, sig); err == nil || len(err.Error()) > 2000 {
		t.Errorf("got an error of %d bytes", len(err.Error()))
	}
	many := bytes.ReplaceAll(statement, []byte(`"ignore_paths":[`), []byte(`"ignore_paths":[`+strings.Repeat(`"a",`, 1<<16)))
	if err := sign(t, key, many).WriteFile(sig); err != nil {
		t.Fatal(err)
	}
	if _, err := verifier(key).Verify(model, sig); !errors.Is(err, bundle.ErrMalformed) {
		t.Errorf("got %v", err)
	}
}

// A directory in the place of an ignored file is told apart from the file.
func TestIgnoredDirectory(t *testing.T) {
	model, key := tree(t, small), newKey(t, curves[0])
	inside, moved := filepath.Join(model, "model.sig"), filepath.Join(filepath.Dir(model), "moved.sig")
	if err := signer(key).Sign(model, inside); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(inside, moved); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(inside, "evil.py"), "x")
	r, err := verifier(key).Verify(model, moved)
	if err != nil || !slices.Equal(r.Ignored, []string{"model.sig/"}) {
		t.Errorf("got %v, %v", r, err)
	}
}

// What a caller's own manifest left out is in the result.
func TestManifestThatIgnores(t *testing.T) {
	model, sig, key := signed(t, hashing.Config(), small)
	write(t, filepath.Join(model, "evil.py"), "x")
	got := must(hashing.Config().AddIgnoredPaths("evil.py").Hash(model))
	r, err := verifier(key).VerifyManifest(context.Background(), got, must(bundle.ReadFile(sig)))
	if err != nil || !slices.Equal(r.Ignored, []string{"evil.py"}) {
		t.Errorf("got %v, %v", r, err)
	}
}

// A context that is done stops verifying before the bundle is parsed.
func TestCancelled(t *testing.T) {
	model, sig, key := signed(t, hashing.Config(), small)
	ctx, cancel := context.WithDeadline(context.Background(), time.Now())
	defer cancel()
	if _, err := verifier(key).VerifyContext(ctx, model, sig); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if _, err := verifier(key).Open(ctx, must(bundle.ReadFile(sig))); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// Directories may be nested only so deep: each is looked up from the root.
func TestDeepDirectories(t *testing.T) {
	if testing.Short() || runtime.GOOS == "windows" {
		t.Skip("makes a thousand directories with long paths")
	}
	model, sig, key := signed(t, hashing.Config(), map[string]string{"a": "x"})
	if err := os.MkdirAll(filepath.Join(model, strings.Repeat("d/", 1100)), 0o777); err != nil {
		t.Skip("no such paths here: ", err)
	}
	if _, err := verifier(key).Verify(model, sig); !errors.Is(err, hashing.ErrName) || !strings.Contains(err.Error(), "nested") {
		t.Errorf("got %.200v", err)
	}
}

func TestNumbersAreExact(t *testing.T) {
	model, sig, key := signed(t, hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 16}), map[string]string{"a": "x"})
	statement := must(bundle.ReadFile(sig)).UnverifiedStatement()
	for size, ok := range map[string]bool{"16": true, "16.0": true, "16.00000000000000000001": false, "15.9999999999999999999": false} {
		changed := bytes.ReplaceAll(statement, []byte(`"shard_size":16`), []byte(`"shard_size":`+size))
		if !json.Valid(changed) {
			t.Fatal(string(changed))
		}
		if err := sign(t, key, changed).WriteFile(sig); err != nil {
			t.Fatal(err)
		}
		if _, err := verifier(key).Verify(model, sig); (err == nil) != ok {
			t.Errorf("%s: got %v", size, err)
		}
	}
}
