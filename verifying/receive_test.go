package verifying_test

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/verifying"
)

// receive passes files by, in one go or in ranges from the end to the beginning. Files that are refused are given up,
// and the first refusal is returned besides what Close returns.
func receive(t testing.TB, c verifying.Configuration, b *bundle.Bundle, files map[string]string, ranges bool) (r *verifying.Result, err, refused error) {
	t.Helper()
	rec, err := c.Receive(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		put := putAll
		if ranges {
			put = putRanges
		}
		if err := put(rec, path, files[path]); err != nil && refused == nil {
			refused = err
		}
	}
	r, err = rec.Close()
	if _, again := rec.Close(); !errors.Is(again, fs.ErrClosed) {
		t.Errorf("closed again: got %v", again)
	}
	return r, err, refused
}

func putAll(r *verifying.Receiver, path, data string) error {
	w, err := r.Create(path)
	if err != nil {
		return err
	}
	defer w.Abort()
	for len(data) > 0 {
		n := min(len(data), 50)
		if _, err := io.WriteString(w, data[:n]); err != nil {
			return err
		}
		data = data[n:]
	}
	return w.Close()
}

func putRanges(r *verifying.Receiver, path, data string) error {
	w, err := r.CreateAt(path, int64(len(data)))
	if err != nil {
		return err
	}
	defer w.Abort()
	for end := len(data); end > 0; end -= 50 {
		start := max(0, end-50)
		if _, err := w.WriteAt([]byte(data[start:end]), int64(start)); err != nil {
			return err
		}
	}
	return w.Close()
}

// changes are ways to make another model of the small one. Nil says that it is still what was signed.
var changes = map[string]struct {
	change func(files map[string]string)
	want   error
}{
	"nothing":        {func(map[string]string) {}, nil},
	"ignored":        {func(m map[string]string) { m[".git/HEAD"], m[".gitignore"] = "x", "y" }, nil},
	"a byte":         {func(m map[string]string) { m["weights.bin"] = "1" + m["weights.bin"][1:] }, errAny},
	"the last byte":  {func(m map[string]string) { m["weights.bin"] = m["weights.bin"][:1599] + "x" }, errAny},
	"missing":        {func(m map[string]string) { delete(m, "a/b") }, errAny},
	"one more":       {func(m map[string]string) { m["a/c"] = "x" }, errAny},
	"other case":     {func(m map[string]string) { m["A-b"] = m["a-b"]; delete(m, "a-b") }, errAny},
	"empty":          {func(m map[string]string) { m["weights.bin"] = "" }, errAny},
	"a shard less":   {func(m map[string]string) { m["weights.bin"] = m["weights.bin"][:1536] }, errAny},
	"half a shard":   {func(m map[string]string) { m["weights.bin"] = m["weights.bin"][:1555] }, errAny},
	"a byte more":    {func(m map[string]string) { m["weights.bin"] += "x" }, errAny},
	"a shard more":   {func(m map[string]string) { m["weights.bin"] += m["weights.bin"][:64] }, errAny},
	"many":           {func(m map[string]string) { m["a/b"], m["a-b"], m["x"] = "", "xyz", "x"; delete(m, "a.b") }, errAny},
	"nothing at all": {func(m map[string]string) { clear(m) }, errAny},
}

var errAny = errors.New("any mismatch")

// What comes out is what VerifyContext says of a directory with the same files.
func TestReceiveIsVerify(t *testing.T) {
	for _, h := range []hashing.Configuration{
		hashing.Config(),
		hashing.Config().UseFileSerialization(hashing.Files{Algorithm: manifest.BLAKE3}),
		hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 64}),
		hashing.Config().UseShardSerialization(hashing.Shards{Algorithm: manifest.BLAKE2b, ShardSize: 1600}),
	} {
		_, sig, key := signed(t, h, small)
		b := must(bundle.ReadFile(sig))
		for name, c := range changes {
			files := maps.Clone(small)
			c.change(files)
			model := tree(t, files)
			if err := os.MkdirAll(model, 0o777); err != nil {
				t.Fatal(err)
			}
			want, wantErr := verifier(key).Verify(model, sig)
			if (wantErr == nil) != (c.want == nil) {
				t.Fatalf("%s: Verify returns %v", name, wantErr)
			}
			for _, ranges := range []bool{false, true} {
				got, err, _ := receive(t, verifier(key), b, files, ranges)
				sameOutcome(t, name, want, got, wantErr, err)
			}
		}
	}
}

func sameOutcome(t *testing.T, name string, want, got *verifying.Result, wantErr, err error) {
	t.Helper()
	if wantErr == nil {
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v,\n%+v, want\n%+v", name, err, got, want)
		}
		return
	}
	var a, b *verifying.MismatchError
	if got != nil || !errors.As(wantErr, &a) || !errors.As(err, &b) {
		t.Errorf("%s: got %+v, %v, want %v", name, got, err, wantErr)
		return
	}
	if !slices.Equal(about(a.Diff), about(b.Diff)) {
		t.Errorf("%s: got %v, want %v", name, err, wantErr)
	}
}

// about returns the files that a difference is about, and of whole files what it says of each. Of shards, what is
// refused early says less.
func about(d manifest.Diff) (list []string) {
	add := func(what, name string) {
		if path, _, sharded := strings.Cut(name, ":"); sharded {
			what, name = "", path
		}
		list = append(list, what+name)
	}
	for _, name := range d.Missing {
		add("-", name)
	}
	for _, name := range d.Extra {
		add("+", name)
	}
	for _, c := range d.Changed {
		add(c.Got.Hex, c.Name)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// A file that can't match is refused as soon as that is certain.
func TestReceiveRefuses(t *testing.T) {
	_, sig, key := signed(t, hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 64}), small)
	r := must(verifier(key).Receive(t.Context(), must(bundle.ReadFile(sig))))
	if s := r.Signed(); s.Signer.Subject != hint(t, key) || len(s.Manifest.Resources) == 0 {
		t.Errorf("signed: got %+v", s)
	}
	var mismatch *verifying.MismatchError
	bad := must(r.Create("weights.bin"))
	wrong := []byte("x" + small["weights.bin"][1:64])
	if n, err := bad.Write(wrong[:63]); n != 63 || err != nil {
		t.Errorf("before the end of the first shard: got %d, %v", n, err)
	}
	_, err := bad.Write(wrong[63:])
	if !errors.As(err, &mismatch) || len(mismatch.Changed) != 1 || mismatch.Changed[0].Name != "weights.bin:0:64" {
		t.Errorf("first wrong shard: got %v", err)
	}
	if _, err := bad.Write(wrong); !errors.As(err, &mismatch) {
		t.Errorf("after that: got %v", err)
	}
	if err := bad.Close(); !errors.As(err, &mismatch) {
		t.Errorf("closed: got %v", err)
	}
	extra := must(r.Create("extra"))
	if _, err := extra.Write([]byte("x")); !errors.As(err, &mismatch) || !slices.Equal(mismatch.Extra, []string{"extra:0:1"}) {
		t.Errorf("extra: got %v", err)
	}
	if _, err := r.CreateAt("a/b", 1<<40); !errors.As(err, &mismatch) && !errors.Is(err, hashing.ErrTooMany) {
		t.Errorf("huge: got %v", err)
	}
	if _, err := r.CreateAt("a-b", 2); !errors.As(err, &mismatch) || !slices.Equal(mismatch.Extra, []string{"a-b:0:2"}) {
		t.Errorf("larger: got %v", err)
	}
	if _, err := r.Create("../x"); !errors.Is(err, hashing.ErrName) {
		t.Errorf("..: got %v", err)
	}
	_, err = r.Close()
	if !errors.As(err, &mismatch) || len(mismatch.Changed) != 1 || len(mismatch.Extra) != 2 || len(mismatch.Missing) < 5 {
		t.Errorf("in the end: got %v", err)
	}
}
