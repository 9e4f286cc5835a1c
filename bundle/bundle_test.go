package bundle_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/manifest"
)

func sum(s string) manifest.Digest {
	h := sha256.Sum256([]byte(s))
	return manifest.NewDigest(manifest.SHA256, h[:])
}

func model() *manifest.Manifest {
	return &manifest.Manifest{
		Name:          "finbert",
		Serialization: manifest.Serialization{Method: manifest.Files, Algorithm: manifest.SHA256, IgnorePaths: []string{".git"}},
		Resources: []manifest.Resource{
			{Path: "a/b", Digest: sum("1")},
			{Path: "a-b", Digest: sum("2")},
			{Path: "naïve \"q\"\n<&>\u2028", Digest: sum("3")},
		},
	}
}

func ExampleMarshalStatement() {
	m := &manifest.Manifest{
		Name:          "finbert",
		Serialization: manifest.Serialization{Method: manifest.Files, Algorithm: manifest.SHA256, IgnorePaths: []string{".git"}},
		Resources:     []manifest.Resource{{Path: "config.json", Digest: sum("{}")}},
	}
	statement, err := bundle.MarshalStatement(m)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.ReplaceAll(string(statement), `,"`, ",\n\""))
	// Output:
	// {"_type":"https://in-toto.io/Statement/v1",
	// "subject":[{"name":"finbert",
	// "digest":{"sha256":"c74f3008fdd2f7c5ae5446ab2e522629f63346f68a4026b4f72b91b393475ff6"}}],
	// "predicateType":"https://model_signing/signature/v1.0",
	// "predicate":{"serialization":{"method":"files",
	// "hash_type":"sha256",
	// "allow_symlinks":false,
	// "ignore_paths":[".git"]},
	// "resources":[{"name":"config.json",
	// "digest":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
	// "algorithm":"sha256"}]}}
}

func TestStatementRoundTrip(t *testing.T) {
	m := model()
	first, err := bundle.MarshalStatement(m)
	if err != nil {
		t.Fatal(err)
	}
	if m.Resources[0].Path != "a/b" {
		t.Error("MarshalStatement sorted the caller's manifest")
	}
	m.Resources[0], m.Resources[2] = m.Resources[2], m.Resources[0]
	second, err := bundle.MarshalStatement(m)
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("another order of the resources gives another statement: %s, %v", second, err)
	}
	got, err := bundle.ParseStatement(first)
	if err != nil {
		t.Fatal(err)
	}
	if diff := m.Diff(got); !diff.Empty() || got.Name != m.Name {
		t.Errorf("got back %v, which differs: %v", got, diff)
	}
	for i, want := range []string{"a-b", "a/b", "naïve \"q\"\n<&>\u2028"} {
		if got.Resources[i].Path != want {
			t.Errorf("resource %d is %q, want %q", i, got.Resources[i].Path, want)
		}
	}
}

func TestMarshalStatementRefuses(t *testing.T) {
	for want, change := range map[string]func(*manifest.Manifest){
		"name: ":                  func(m *manifest.Manifest) { m.Name = "" },
		`name: "\xff"`:            func(m *manifest.Manifest) { m.Name = "\xff" },
		`name "../x"`:             func(m *manifest.Manifest) { m.Resources[1].Path = "../x" },
		"resources: there are":    func(m *manifest.Manifest) { m.Resources = nil },
		`"a/b" is listed twice`:   func(m *manifest.Manifest) { m.Resources[1] = m.Resources[0] },
		`"." does not name`:       func(m *manifest.Manifest) { m.Resources = []manifest.Resource{{Path: ".", Digest: sum("")}} },
		`hash_type: unknown hash`: func(m *manifest.Manifest) { m.Serialization.Algorithm = "md5" },
	} {
		m := model()
		change(m)
		if _, err := bundle.MarshalStatement(m); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestPAE(t *testing.T) {
	got := string(bundle.PAE([]byte("hello")))
	if want := "DSSEv1 28 application/vnd.in-toto+json 5 hello"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLegacyPAE(t *testing.T) {
	if _, ok := bundle.LegacyPAE([]byte(`{"predicateType":"https://model_signing/signature/v1.0"}`)); ok {
		t.Error("a statement of today may be verified in the encoding of release 0.2.0")
	}
	old := `{"predicateType":"https://model_signing/Digests/v0.1"}`
	for in, want := range map[string]string{
		old:                           `b'` + old + `'`,
		old + "\n\t\r":                `b'` + old + `\n\t\r'`,
		old[:1] + `"é'":0,` + old[1:]: `b'` + old[:1] + `"\xc3\xa9\'":0,` + old[1:] + `'`,
		old[:1] + `"\\":0,` + old[1:]: `b'` + old[:1] + `"\\\\":0,` + old[1:] + `'`,
	} {
		got, ok := bundle.LegacyPAE([]byte(in))
		if want = fmt.Sprintf("DSSEV1 28 application/vnd.in-toto+json %d %s", len(in), want); !ok || string(got) != want {
			t.Errorf("got %q, %t, want %q", got, ok, want)
		}
	}
}

func key(t testing.TB) *bundle.Bundle {
	statement, err := bundle.MarshalStatement(model())
	if err != nil {
		t.Fatal(err)
	}
	return bundle.NewKey(statement, []byte("signature"), "abcd")
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	b := key(t)
	name := filepath.Join(dir, "model.sig")
	for range 2 { // the second replaces the first
		if err := b.WriteFile(name); err != nil {
			t.Fatal(err)
		}
	}
	got, err := bundle.ReadFile(name)
	if err != nil || got.Method() != bundle.Key || !bytes.Equal(got.UnverifiedStatement(), b.UnverifiedStatement()) {
		t.Fatalf("got %v, %v", got, err)
	}
	written, _ := os.ReadFile(name)
	if marshaled, err := b.MarshalJSON(); err != nil || !bytes.Equal(marshaled, written) {
		t.Errorf("MarshalJSON differs from the file: %s, %v", marshaled, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("temporary files are left: %v", entries)
	}
}

// Bundles can be parts of other documents.
func TestUnmarshalJSON(t *testing.T) {
	data, err := json.Marshal(map[string]*bundle.Bundle{"signature": key(t)})
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]*bundle.Bundle
	if err := json.Unmarshal(data, &doc); err != nil || !bytes.Equal(doc["signature"].Signature(), key(t).Signature()) {
		t.Errorf("got %v, %v", doc, err)
	}
	var zero bundle.Bundle
	if _, err := zero.MarshalJSON(); err == nil || zero.Signature() != nil {
		t.Error("the zero value passes for a bundle")
	}
}

func TestWriteFileFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	if err := key(t).WriteFile(link); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v, %v", info, err)
	}
	if _, err := bundle.ReadFile(target); err != nil {
		t.Error(err)
	}
}

func TestWriteFileRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{dir, filepath.Join(dir, "no", "model.sig"), os.DevNull} {
		var pathError *fs.PathError
		if err := key(t).WriteFile(name); !errors.As(err, &pathError) {
			t.Errorf("%s: got %v, want a *fs.PathError", name, err)
		}
	}
}

func TestReadFileErrors(t *testing.T) {
	dir := t.TempDir()
	var pathError *fs.PathError
	for _, name := range []string{dir, filepath.Join(dir, "none")} {
		if _, err := bundle.ReadFile(name); !errors.As(err, &pathError) {
			t.Errorf("%s: got %v, want a *fs.PathError", name, err)
		}
	}
	bad := filepath.Join(dir, "bad")
	if err := os.WriteFile(bad, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.ReadFile(bad); !errors.Is(err, bundle.ErrMalformed) || !strings.Contains(err.Error(), bad) {
		t.Errorf("got %v, want ErrMalformed and the name", err)
	}
}

func TestLimits(t *testing.T) {
	data, err := key(t).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.Read(bytes.NewReader(data), int64(len(data))); err != nil {
		t.Errorf("exactly the limit: %v", err)
	}
	if _, err := bundle.Read(bytes.NewReader(data), int64(len(data)-1)); !errors.Is(err, bundle.ErrMalformed) {
		t.Errorf("one byte over the limit: got %v", err)
	}
	// 100 MB of certificates, and of a log entry.
	for what, material := range map[string]string{
		"x509CertificateChain.certificates": `"x509CertificateChain":{"certificates":[` + strings.Repeat(`{"rawBytes":"AAAA"},`, 5e6) + `{}]}`,
		"one certificate":                   `"certificate":{"rawBytes":"` + strings.Repeat("A", 1e8) + `"}`,
		"tlogEntries":                       `"publicKey":{"hint":"a"},"tlogEntries":[{"canonicalizedBody":"` + strings.Repeat("A", 1e8) + `"}]`,
		"inclusionProof.hashes":             `"publicKey":{"hint":"a"},"tlogEntries":[{"inclusionProof":{"hashes":[` + strings.Repeat(`"",`, 1e6) + `""]}}]`,
		"hint":                              `"publicKey":{"hint":"` + strings.Repeat("a", 1e8) + `"}`,
	} {
		doc := []byte(`{"mediaType":"` + bundle.MediaType + `","verificationMaterial":{` + material + `}}`)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := bundle.Parse(doc)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, bundle.ErrMalformed) || !strings.Contains(err.Error(), "verificationMaterial") {
			t.Errorf("%s: got %v", what, err)
		}
		if allocated := after.TotalAlloc - before.TotalAlloc; allocated > bundle.MaxMaterial {
			t.Errorf("%s: %d bytes allocated before it was refused", what, allocated)
		}
	}
}

// An inclusion proof has a hash for each level of a log, no more.
func TestInclusionProof(t *testing.T) {
	data, err := key(t).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for hashes, fine := range map[int]bool{64: true, 65: false} {
		entry := `[{"inclusionProof":{"hashes":["` + strings.Repeat(`AAAA","`, hashes-1) + `AAAA"]}}]`
		_, err := bundle.Parse(bytes.Replace(data, []byte(`"tlogEntries":[]`), []byte(`"tlogEntries":`+entry), 1))
		switch {
		case fine && err != nil:
			t.Errorf("%d hashes: %v", hashes, err)
		case !fine && (!errors.Is(err, bundle.ErrMalformed) || !strings.Contains(err.Error(), "inclusionProof.hashes")):
			t.Errorf("%d hashes: got %v", hashes, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	data, err := key(f).MarshalJSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	addProbes(f, "bundle.txtar")
	f.Fuzz(func(t *testing.T, data []byte) {
		if b, err := bundle.Parse(data); err == nil {
			roundTrip(t, b)
		} else if !errors.Is(err, bundle.ErrMalformed) {
			t.Errorf("got %v, which is not ErrMalformed", err)
		}
	})
}

func FuzzParseStatement(f *testing.F) {
	addProbes(f, "statement.txtar")
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := bundle.ParseStatement(data)
		if err != nil {
			if !errors.Is(err, bundle.ErrMalformed) {
				t.Errorf("got %v, which is not ErrMalformed", err)
			}
			return
		}
		if err := m.Validate(); err != nil {
			t.Errorf("accepts a manifest that is not well-formed: %v", err)
		}
		if m.SingleFile() || m.Name == "" {
			return // of old formats, which are never written
		}
		again, err := bundle.MarshalStatement(m)
		if err != nil {
			t.Fatal(err)
		}
		back, err := bundle.ParseStatement(again)
		if err != nil || !m.Diff(back).Empty() {
			t.Errorf("%v does not come back: %v", m, err)
		}
	})
}

// A manifest of a million files can be written and read.
func BenchmarkMillionResources(b *testing.B) {
	m := &manifest.Manifest{Name: "m", Serialization: manifest.Serialization{Method: manifest.Files, Algorithm: manifest.SHA256}}
	raw := make([]byte, 32)
	for i := range 1_000_000 {
		raw[0], raw[1], raw[2] = byte(i), byte(i>>8), byte(i>>16)
		m.Resources = append(m.Resources, manifest.Resource{
			Path:   fmt.Sprintf("shard-%02d/sample-%07d.parquet", i/10000, i),
			Digest: manifest.Digest{Algorithm: manifest.SHA256, Hex: hex.EncodeToString(raw)},
		})
	}
	name := filepath.Join(b.TempDir(), "model.sig")
	b.ReportAllocs()
	for b.Loop() {
		statement, err := bundle.MarshalStatement(m)
		if err != nil {
			b.Fatal(err)
		}
		if err := bundle.NewKey(statement, []byte("signature"), "abcd").WriteFile(name); err != nil {
			b.Fatal(err)
		}
		read, err := bundle.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		got, err := bundle.ParseStatement(read.UnverifiedStatement())
		if err != nil || !m.Diff(got).Empty() {
			b.Fatal(err)
		}
	}
}
