package manifest_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/manifest"
)

func digest(s string) manifest.Digest {
	sum := sha256.Sum256([]byte(s))
	return manifest.NewDigest(manifest.SHA256, sum[:])
}

func files(names ...string) *manifest.Manifest {
	m := &manifest.Manifest{Name: "m", Serialization: manifest.Serialization{Method: manifest.Files, Algorithm: manifest.SHA256}}
	for _, n := range names {
		m.Resources = append(m.Resources, manifest.Resource{Path: n, Digest: digest(n)})
	}
	return m
}

func names(m *manifest.Manifest) (ns []string) {
	for _, r := range m.Resources {
		ns = append(ns, r.Name())
	}
	return ns
}

func ExampleManifest_Diff() {
	signed := files("config.json", "model.safetensors", "vocab.txt")
	found := files("config.json", "model.safetensors", "run.py")
	found.Resources[1].Digest = digest("changed")
	d := signed.Diff(found)
	fmt.Println("missing", d.Missing, "extra", d.Extra, "changed", d.Changed[0].Name)
	// Output: missing [vocab.txt] extra [run.py] changed model.safetensors
}

func TestRoot(t *testing.T) {
	m := files("a", "b")
	h := sha256.New()
	for _, n := range []string{"a", "b"} {
		sum := sha256.Sum256([]byte(n))
		h.Write(sum[:])
	}
	if got, want := m.Root().String(), "sha256:"+hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	swapped := files("b", "a")
	if m.Root() == swapped.Root() {
		t.Error("the root digest does not depend on the order listed")
	}
}

func TestSort(t *testing.T) {
	want := []string{"a", "a b", "a-b", "a.b", "a/b", "ab", "tokenizer.json", "tokenizer/vocab.json", "é", "\U0001f600"}
	m := files(want...)
	rand.Shuffle(len(m.Resources), func(i, j int) { m.Resources[i], m.Resources[j] = m.Resources[j], m.Resources[i] })
	m.Sort()
	if got := names(m); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The order is that of the names as strings, also where a path is a prefix of another or holds colons.
func TestCompareNames(t *testing.T) {
	var rs []manifest.Resource
	for _, p := range []string{"a", "a:0", "a:0:5", "a:1", "a/b", "a9", "a;", "b"} {
		rs = append(rs, manifest.Resource{Path: p})
		for _, r := range [][2]int64{{0, 5}, {5, 10}, {10, 15}, {100, 105}, {0, 50}} {
			rs = append(rs, manifest.Resource{Path: p, Start: r[0], End: r[1]})
		}
	}
	for _, a := range rs {
		for _, b := range rs {
			if got, want := manifest.CompareNames(a, b), strings.Compare(a.Name(), b.Name()); got != want {
				t.Errorf("%q, %q: got %d, want %d", a.Name(), b.Name(), got, want)
			}
		}
	}
}

func TestDiff(t *testing.T) {
	for _, c := range []struct {
		want, got []string
		diff      manifest.Diff
	}{
		{[]string{"a", "b"}, []string{"b", "a"}, manifest.Diff{}},
		{[]string{"a"}, nil, manifest.Diff{Missing: []string{"a"}}},
		{nil, []string{"a"}, manifest.Diff{Extra: []string{"a"}}},
		{[]string{"c", "b", "a"}, []string{"d", "b"}, manifest.Diff{Missing: []string{"a", "c"}, Extra: []string{"d"}}},
		{[]string{"a/b", "a-b"}, []string{"a.b", "a-b"}, manifest.Diff{Missing: []string{"a/b"}, Extra: []string{"a.b"}}},
	} {
		d := files(c.want...).Diff(files(c.got...))
		if !reflect.DeepEqual(d, c.diff) {
			t.Errorf("%q, %q: got %v, want %v", c.want, c.got, d, c.diff)
		}
		if d.Empty() != reflect.DeepEqual(d, manifest.Diff{}) {
			t.Errorf("%v: Empty is wrong", d)
		}
	}
	a, b := files("a", "b"), files("a", "b")
	b.Resources[1].Digest = digest("c")
	want := manifest.Diff{Changed: []manifest.Change{{Name: "b", Want: digest("b"), Got: digest("c")}}}
	if got := a.Diff(b); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestCheckPath(t *testing.T) {
	for _, p := range []string{"a", "a/b", ".a", "a.", "...", "..a", "a..", " ", "a\n", "\x1b[2J", `\`, "C:x", "é", "e\u0301", strings.Repeat("a/", 4000) + "a"} {
		if err := manifest.CheckPath(p); err != nil {
			t.Errorf("%.20q: got %v", p, err)
		}
	}
	for _, p := range []string{"", ".", "..", "/", "/a", "a/", "a//b", "./a", "a/.", "a/./b", "../a", "a/..", "a/../b", "a/../../b", "\xff", "a\x00b"} {
		if manifest.CheckPath(p) == nil {
			t.Errorf("%q: got no error", p)
		}
	}
}

func FuzzParseName(f *testing.F) {
	for _, n := range []string{"a:0:5", "a:0:5:10:20", "a", ":0:1", "a:1:1", "a:01:2", "a::", "a:0:9223372036854775807", "é:0:1"} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, name string) {
		r, err := manifest.ParseName(name, manifest.Shards)
		if err == nil && r.Name() != name {
			t.Errorf("%q is read as %q", name, r.Name())
		}
		if err == nil && (r.Start < 0 || r.End <= r.Start) {
			t.Errorf("%q has the range %d:%d", name, r.Start, r.End)
		}
		if r, err := manifest.ParseName(name, manifest.Files); err != nil || r.Name() != name {
			t.Errorf("%q is read as %q, %v", name, r.Name(), err)
		}
		if manifest.CheckPath(name) == nil && (strings.HasPrefix(name, "/") || slices.Contains(strings.Split(name, "/"), "..") ||
			slices.Contains(strings.Split(name, "/"), "")) {
			t.Errorf("CheckPath accepts %q", name)
		}
	})
}

func benchmark(b *testing.B, shuffle bool) {
	const n = 1_000_000
	m := files()
	for i := range n {
		m.Resources = append(m.Resources, manifest.Resource{Path: fmt.Sprintf("shard-%02d/sample-%07d", i/10000, i), Digest: digest("x")})
	}
	m.Sort()
	got := *m
	if shuffle {
		got.Resources = slices.Clone(m.Resources)
		rand.Shuffle(n, func(i, j int) { got.Resources[i], got.Resources[j] = got.Resources[j], got.Resources[i] })
	}
	b.ReportAllocs()
	for b.Loop() {
		if !m.Diff(&got).Empty() || m.Validate() != nil {
			b.Fatal("not equal")
		}
	}
}

func BenchmarkDiffMillionSorted(b *testing.B)   { benchmark(b, false) }
func BenchmarkDiffMillionShuffled(b *testing.B) { benchmark(b, true) }
