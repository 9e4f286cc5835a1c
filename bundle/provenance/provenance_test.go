package provenance_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/bundle/provenance"
	"github.com/modelsigning/modelsigning/manifest"
)

var update = flag.Bool("update", false, "write golden files")

// savedModel are the files of a directory like TensorFlow's, and two whose names sort otherwise by path component.
var savedModel = map[string]string{
	"saved_model.pb": "graph", "variables/variables.data-00000-of-00001": "weights", "variables/variables.index": "",
	"a-b": "x", "a/b": "y",
}

// newManifest hashes files.
func newManifest(name string, files map[string]string) *manifest.Manifest {
	m := &manifest.Manifest{Name: name, Serialization: manifest.Serialization{
		Method: manifest.Files, Algorithm: manifest.SHA256, IgnorePaths: []string{".git"},
	}}
	for path, content := range files {
		sum := sha256.Sum256([]byte(content))
		m.Resources = append(m.Resources, manifest.Resource{Path: path, Digest: manifest.NewDigest(manifest.SHA256, sum[:])})
	}
	m.Sort()
	return m
}

const commit = "0123456789abcdef0123456789abcdef01234567"

func newBuild() provenance.Build {
	return provenance.Build{
		Source:     provenance.Source{URI: "https://github.com/example/finbert", Ref: "refs/tags/v1.2", Commit: commit},
		EntryPoint: ".github/workflows/train.yml",
		Inputs:     map[string]string{"epochs": "3", "note": "line\nbreak <&>"},
		Trigger:    "push",
		Dependencies: []provenance.Descriptor{
			provenance.Describe(provenance.Dataset, "https://data.example.com/news", newManifest("news", map[string]string{"train.csv": "a,b"})),
			{Kind: provenance.BaseModel, URI: "https://models.example.com/bert", Digest: map[string]string{"sha256": strings.Repeat("1f", 32)}, MediaType: "application/octet-stream"},
			{Kind: provenance.Package, Name: "torch", URI: "pkg:pypi/torch@2.5.1", Digest: map[string]string{"sha256": strings.Repeat("2e", 32)}, DownloadLocation: "https://packages.example.com/torch-2.5.1.whl"},
			{Kind: provenance.Package, URI: "pkg:pypi/numpy@2.1.0"},
		},
		PackagesComplete: true,
		Builder:          provenance.Builder{ID: "https://github.com/example/finbert/.github/workflows/train.yml@refs/tags/v1.2", Version: map[string]string{"runner": "2.320"}},
		InvocationID:     "https://github.com/example/finbert/actions/runs/3/attempts/1",
		StartedOn:        time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC),
		FinishedOn:       time.Date(2026, 11, 25, 9, 30, 0, 0, time.UTC),
	}
}

func marshal(t testing.TB, m *manifest.Manifest, b provenance.Build) []byte {
	t.Helper()
	statement, err := provenance.Marshal(m, b)
	if err != nil {
		t.Fatal(err)
	}
	return statement
}

func TestMarshal(t *testing.T) {
	got := marshal(t, newManifest("finbert", savedModel), newBuild())
	if *update {
		if err := os.WriteFile("testdata/statement.json", got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/statement.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	shuffled := newManifest("finbert", savedModel)
	slices.Reverse(shuffled.Resources)
	if !bytes.Equal(marshal(t, shuffled, newBuild()), want) {
		t.Error("another order of files gives another statement")
	}
}

func TestRoundTrip(t *testing.T) {
	m, b := newManifest("finbert", savedModel), newBuild()
	s, err := provenance.Parse(marshal(t, m, b))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(s.Build, b) {
		t.Errorf("got  %+v\nwant %+v", s.Build, b)
	}
	if !reflect.DeepEqual(s.Manifest, m) {
		t.Errorf("got %+v, want %+v", s.Manifest, m)
	}
	least := provenance.Build{Builder: provenance.Builder{ID: "https://example.com/builder"}}
	if s, err = provenance.Parse(marshal(t, m, least)); err != nil || !reflect.DeepEqual(s.Build, least) {
		t.Errorf("got %+v, %v", s.Build, err)
	}
}

// The root digest is that of the model's signature, and dirHash what in-toto's specification makes with
// find . -type f | cut -c3- | LC_ALL=C sort | xargs -r sha256sum | sha256sum
func TestSubjects(t *testing.T) {
	m := newManifest("finbert", savedModel)
	s, err := provenance.Parse(marshal(t, m, newBuild()))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"sha256":  m.Root().Hex,
		"dirHash": "ea39872f88fbe851c0a308b2c3df531d9564b867162ac500b7fd13f312249555",
	}
	if whole := s.Subjects[0]; whole.Name != "finbert" || !reflect.DeepEqual(whole.Digest, want) {
		t.Errorf("got %v, want %v", whole, want)
	}
	if len(s.Subjects) != 1+len(savedModel) {
		t.Errorf("%d subjects", len(s.Subjects))
	}
	for _, n := range []int{1, 1022, 1023, 1024, 1500} {
		files := map[string]string{}
		for i := range n {
			files[fmt.Sprintf("shard-%04d", i)] = fmt.Sprint(i)
		}
		m := newManifest("large", files)
		s, err := provenance.Parse(marshal(t, m, newBuild()))
		if err != nil {
			t.Fatal(err)
		}
		want := 1
		if n < provenance.MaxSubjects {
			want += n
		}
		if len(s.Subjects) != want || s.Subjects[0].Digest["sha256"] != m.Root().Hex || s.Subjects[0].Digest["dirHash"] == "" {
			t.Errorf("%d files: %d subjects, the first %v", n, len(s.Subjects), s.Subjects[0])
		}
		if len(s.Manifest.Resources) != n {
			t.Errorf("%d files: %d resources", n, len(s.Manifest.Resources))
		}
	}
}

// Where there is no SHA-256 of each file, or no dirHash, names are bound by the byproduct alone.
func TestOnlyRootDigest(t *testing.T) {
	hexOf := func(c string, n int) string { return strings.Repeat(c, 2*n) }
	for name, m := range map[string]*manifest.Manifest{
		"shards": {Serialization: manifest.Serialization{Method: manifest.Shards, Algorithm: manifest.SHA256, ShardSize: 4},
			Resources: []manifest.Resource{
				{Path: "w", Start: 0, End: 4, Digest: manifest.Digest{Algorithm: manifest.SHA256, Hex: hexOf("1", 32)}},
				{Path: "w", Start: 4, End: 5, Digest: manifest.Digest{Algorithm: manifest.SHA256, Hex: hexOf("2", 32)}},
			}},
		"blake2b": {Serialization: manifest.Serialization{Method: manifest.Files, Algorithm: manifest.BLAKE2b},
			Resources: []manifest.Resource{{Path: "w", Digest: manifest.Digest{Algorithm: manifest.BLAKE2b, Hex: hexOf("3", 64)}}}},
		"line break": newManifest("", map[string]string{"a\nb": "x"}),
	} {
		m.Name = "finbert"
		s, err := provenance.Parse(marshal(t, m, newBuild()))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := map[string]string{"sha256": m.Root().Hex}; !reflect.DeepEqual(s.Subjects[0].Digest, want) {
			t.Errorf("%s: got %v, want %v", name, s.Subjects[0].Digest, want)
		}
		if want := 1; name != "line break" && len(s.Subjects) != want {
			t.Errorf("%s: %d subjects", name, len(s.Subjects))
		}
		if !s.Manifest.Diff(m).Empty() {
			t.Errorf("%s: other resources", name)
		}
	}
}

func TestCheck(t *testing.T) {
	for want, change := range map[string]func(b *provenance.Build){
		"the builder has no ID":               func(b *provenance.Build) { b.Builder.ID = "" },
		`builder: "builder" is not a URI`:     func(b *provenance.Build) { b.Builder.ID = "builder" },
		"is not a URI":                        func(b *provenance.Build) { b.Builder.ID = "https://example.com/a b" },
		"no URI":                              func(b *provenance.Build) { b.Source.URI = "" },
		"not the plain URL":                   func(b *provenance.Build) { b.Source.URI = "git+https://github.com/example/finbert" },
		"not a reference in full":             func(b *provenance.Build) { b.Source.Ref = "main" },
		"not the hash of a commit":            func(b *provenance.Build) { b.Source.Commit = "HEAD" },
		"finished before":                     func(b *provenance.Build) { b.FinishedOn = b.StartedOn.Add(-time.Second) },
		"entry point":                         func(b *provenance.Build) { b.EntryPoint = "a\x00b" },
		"inputs":                              func(b *provenance.Build) { b.Inputs = map[string]string{"a": "\xff"} },
		"inputs: 65 are more":                 func(b *provenance.Build) { b.Inputs = many(65) },
		"kind":                                func(b *provenance.Build) { b.Dependencies[0].Kind = "source" },
		"neither a URI nor":                   func(b *provenance.Build) { b.Dependencies[0] = provenance.Descriptor{Name: "x"} },
		"not a package URL":                   func(b *provenance.Build) { b.Dependencies[2].URI = "https://example.com/torch" },
		"no root digest":                      func(b *provenance.Build) { b.Dependencies[0].Digest = nil },
		"not one in lower-case":               func(b *provenance.Build) { b.Dependencies[1].Digest["sha256"] = strings.Repeat("1F", 32) },
		"dependencies are too many":           func(b *provenance.Build) { b.Dependencies = make([]provenance.Descriptor, provenance.MaxDependencies) },
		"https://…@github.com/example\" hold": func(b *provenance.Build) { b.Source.URI = "https://user:secret@github.com/example" },
		"dependency 1: uri: \"https://…@exam": func(b *provenance.Build) { b.Dependencies[1].URI = "https://secret@example.com/x" },
		"source: \"https://…@exam":            func(b *provenance.Build) { b.Source.URI = "https://user:a/secret@example.com/x" },
		"source: \"…@example.com:x\" is not":  func(b *provenance.Build) { b.Source.URI = "user:secret@example.com:x" },
		"dependency 1: uri: \"https://exampl": func(b *provenance.Build) { b.Dependencies[1].URI = "https://example.com/x?sv=1&SIG=secret" },
		"dependency 1: uri: \"…@1\" holds": func(b *provenance.Build) {
			b.Dependencies[1].URI = "pkg:pypi/x@1?vcs_url=git%2Bhttps://user:secret%40example.com/x"
		},
		"dependency 0: uri: \"https://packag": func(b *provenance.Build) {
			b.Dependencies[0].DownloadLocation = "https://packages.example.com/x?X-Amz-Signature=secret"
		},
		"invocation: \"https://…@ci.example": func(b *provenance.Build) { b.InvocationID = "https://a:secret@ci.example.com/1" },
		"inputs: \"a_b\" is there twice":     func(b *provenance.Build) { b.Inputs = map[string]string{"a_b": "1", "aB": "2"} },
		"digest.sha_256: is there twice":     func(b *provenance.Build) { b.Dependencies[1].Digest["sha_256"] = "1f" },
		"is not a time of RFC 3339":          func(b *provenance.Build) { b.FinishedOn = b.FinishedOn.AddDate(9999, 0, 0) },
	} {
		b := newBuild()
		change(&b)
		_, err := provenance.Marshal(newManifest("finbert", savedModel), b)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("got error %v, want %q", err, want)
		}
		if early := provenance.Check(b); early == nil || early.Error() != err.Error() {
			t.Errorf("before the model is hashed: got error %v, want %v", early, err)
		}
	}
	b := newBuild()
	if err := provenance.Check(b); err != nil {
		t.Error(err)
	}
	if _, err := provenance.Marshal(&manifest.Manifest{Name: "empty"}, b); err == nil {
		t.Error("a model without files: no error")
	}
}

func many(n int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[fmt.Sprint("input", i)] = "x"
	}
	return m
}

// Whatever of the model is changed in a statement, one of the three places where it stands contradicts the others.
func TestModelBound(t *testing.T) {
	statement := marshal(t, newManifest("finbert", savedModel), newBuild())
	for _, pair := range [][2]string{
		{"variables.index", "variables.indey"}, {"saved_model.pb", "saved_model.pc"},
		{`"finbert"`, `"finbart"`}, {"e3b0c442", "e3b0c443"}, {"ea39872f", "ea39872e"},
		{newManifest("", savedModel).Root().Hex, strings.Repeat("0", 64)},
	} {
		if n := bytes.Count(statement, []byte(pair[0])); n < 2 {
			t.Fatalf("%s stands in %d places", pair[0], n)
		}
		for i := range bytes.Count(statement, []byte(pair[0])) {
			_, err := provenance.Parse(replace(statement, pair[0], pair[1], i))
			if !errors.Is(err, bundle.ErrMalformed) {
				t.Errorf("%s for %s in place %d: got error %v", pair[1], pair[0], i, err)
			}
		}
	}
}

// What Marshal would not write is not read, though it is signed: hostile signers write what they like.
func TestRefused(t *testing.T) {
	statement := string(marshal(t, newManifest("finbert", savedModel), newBuild()))
	const source = `{"uri":"git+https://github.com/example/finbert@refs/tags/v1.2","digest":{"gitCommit":"` + commit + `"},"annotations":{"kind":"source"}}`
	for want, change := range map[string][2]string{
		"there are two sources":                {source, source + "," + source},
		"source is not that of":                {`finbert@refs/tags/v1.2","digest`, `finbart@refs/tags/v1.2","digest`},
		"the source is missing":                {source + ",", ""},
		"source with more than":                {`"annotations":{"kind":"source"}`, `"name":"x","annotations":{"kind":"source"}`},
		"more than uri":                        {`"annotations":{"kind":"source"}`, `"annotations":{"kind":"source","rootDigest":true}`},
		"uri, gitCommit and kind":              {`"digest":{"gitCommit":"` + commit + `"}`, `"digest":{"sha1":"` + commit + `"}`},
		"is not the plain URL":                 {"git+https://github.com/example/finbert", "git+git+https://github.com/example/finbert"},
		"holds a user or credentials":          {"https://packages.example.com", "https://user:secret@packages.example.com"},
		"has neither a URI":                    {`"uri":"pkg:pypi/numpy@2.1.0",`, ""},
		"a package is not a package URL":       {"pkg:pypi/numpy", "pip:numpy"},
		"the build finished before":            {`"finishedOn":"2026`, `"finishedOn":"2025`},
		"entry point":                          {`"entryPoint":"`, `"entryPoint":"\u0007`},
		"byproducts[1]: is one more":           {`"byproducts":[`, `"byproducts":[{"name":"finbert","digest":{},"annotations":{"https://model_signing/signature/v1.0":{}}},`},
		`_type: is "https://in-toto.io/Statem`: {"https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"},
	} {
		changed := strings.ReplaceAll(statement, change[0], change[1])
		if changed == statement {
			t.Errorf("%s: nothing was changed", want)
		}
		if _, err := provenance.Parse([]byte(changed)); !errors.Is(err, bundle.ErrMalformed) || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %q", err, want)
		}
	}
	single := &manifest.Manifest{Name: "finbert", Serialization: manifest.Serialization{Method: manifest.Files, Algorithm: manifest.SHA256}}
	single.Resources = []manifest.Resource{{Path: ".", Digest: manifest.NewDigest(manifest.SHA256, make([]byte, 32))}}
	if _, err := provenance.Marshal(single, newBuild()); err == nil {
		t.Error("a model whose only file has no name: no error")
	}
}

// replace replaces one of the occurrences of old.
func replace(data []byte, old, with string, which int) []byte {
	parts := strings.Split(string(data), old)
	return []byte(strings.Join(parts[:which+1], old) + with + strings.Join(parts[which+1:], old))
}

// What is of this form is read strictly: every member that is removed, doubled, of another type or unknown is an error,
// or its removal is what a build without it looks like.
func TestStrict(t *testing.T) {
	statement := marshal(t, newManifest("finbert", map[string]string{"w": "x"}), newBuild())
	var doc map[string]any
	if err := json.Unmarshal(statement, &doc); err != nil {
		t.Fatal(err)
	}
	optional := []string{"trigger", "packagesComplete", "inputs", "entryPoint", "metadata", "invocationId", "startedOn",
		"finishedOn", "version", "kind", "rootDigest", "mediaType", "downloadLocation", "internalParameters", "runner",
		"epochs", "note", "gitCommit", "ignore_paths", "annotations", "digest", "uri", "dirHash", "sha256", "name"}
	var walk func(path string, v any)
	try := func(path string) {
		data, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := provenance.Parse(data); !errors.Is(err, bundle.ErrMalformed) {
			t.Errorf("%s: got error %v", path, err)
		}
	}
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, old := range v {
				for _, other := range []any{nil, 1.5, []any{true}} {
					if v[k] = other; !strings.HasPrefix(path, ".predicate.runDetails.byproducts[0].annotations.") || other != nil {
						try(fmt.Sprint(path, ".", k, " = ", other))
					}
				}
				if delete(v, k); !slices.Contains(optional, k) {
					try(path + "." + k + " removed")
				}
				v[k] = old
				walk(path+"."+k, old)
			}
			if !strings.HasSuffix(path, "digest") && !strings.HasSuffix(path, "inputs") && !strings.HasSuffix(path, "version") &&
				!strings.Contains(path, "resources[") {
				v["unknown"] = "x"
				try(path + ".unknown")
				delete(v, "unknown")
			}
		case []any:
			for i, e := range v {
				walk(fmt.Sprintf("%s[%d]", path, i), e)
			}
		}
	}
	walk("", doc)
	if _, err := provenance.Parse(statement); err != nil {
		t.Fatal(err)
	}
	_, err := provenance.Parse(bytes.Replace(statement, []byte(`"trigger":`), []byte(`"Trigger":"x","trigger":`), 1))
	if err == nil || !strings.Contains(err.Error(), "unknown field") && !strings.Contains(err.Error(), "twice") {
		t.Errorf("a member twice: %v", err)
	}
}

// A statement of a million files is made and read.
func BenchmarkMillionFiles(b *testing.B) {
	m := &manifest.Manifest{Name: "m", Serialization: manifest.Serialization{Method: manifest.Files, Algorithm: manifest.SHA256}}
	for i := range 1_000_000 {
		m.Resources = append(m.Resources, manifest.Resource{
			Path:   fmt.Sprintf("shard-%02d/sample-%07d.parquet", i/10000, i),
			Digest: manifest.Digest{Algorithm: manifest.SHA256, Hex: fmt.Sprintf("%064x", i)},
		})
	}
	b.ReportAllocs()
	for b.Loop() {
		statement := marshal(b, m, newBuild())
		b.SetBytes(int64(len(statement)))
	}
}
