package hashing_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// listOf returns the files as somebody lists them who has hashed them long ago.
func listOf(a manifest.Algorithm, files map[string]string) (list []manifest.File) {
	for path, data := range files {
		list = append(list, manifest.File{Path: path, Size: int64(len(data)), Digest: manifest.Digest{Algorithm: a, Hex: digest(a, []byte(data))}})
	}
	return list
}

// Digests in hand make the manifest of a directory with these files.
func TestReportFilesIsReport(t *testing.T) {
	files := map[string]string{"a/b": "1", "a-b": "2", "none": "", ".gitattributes": "x", ".git/HEAD": "y", "skip/x": "3", "skip/y": "4"}
	for _, a := range []manifest.Algorithm{manifest.SHA256, manifest.BLAKE2b, manifest.BLAKE3} {
		c := hashing.Config().UseFileSerialization(hashing.Files{Algorithm: a}).AddIgnoredPaths("skip")
		for _, c := range []hashing.Configuration{c, c.SetIgnoreGitPaths(false), c.SetOnly("a/b", "none")} {
			want, err := c.Report(context.Background(), write(t, files))
			must(t, err)
			got, err := c.ReportFiles(context.Background(), "model", listOf(a, files))
			must(t, err)
			equal(t, "resources", lines(got.Manifest), lines(want.Manifest))
			equal(t, "ignored", got.Ignored, want.Ignored)
			equal(t, "unlisted", got.Unlisted, want.Unlisted)
			equal(t, "recorded", got.Manifest.Serialization.IgnorePaths, want.Manifest.Serialization.IgnorePaths)
		}
	}
}

func TestReportFilesRefuses(t *testing.T) {
	good := listOf(manifest.SHA256, map[string]string{"a": "1"})
	with := func(path string, d manifest.Digest, size int64) []manifest.File {
		return append(slices.Clone(good), manifest.File{Path: path, Size: size, Digest: d})
	}
	d := good[0].Digest
	c := hashing.Config()
	for name, try := range map[string]struct {
		c     hashing.Configuration
		files []manifest.File
		want  error
		text  string
	}{
		"twice":     {c, with("a", d, 1), fs.ErrExist, "a"},
		"below":     {c, with("a/b", d, 1), fs.ErrExist, "a/b"},
		"outside":   {c, with("../b", d, 1), hashing.ErrName, "../b"},
		"negative":  {c, with("b", d, -1), nil, "size -1"},
		"digest":    {c, with("b", manifest.Digest{Algorithm: manifest.SHA256, Hex: "ab"}, 1), nil, "hexadecimal"},
		"algorithm": {c, with("b", manifest.Digest{Algorithm: manifest.BLAKE3, Hex: d.Hex}, 1), nil, "blake3"},
		"shards":    {c.UseShardSerialization(hashing.Shards{}), good, nil, "shards"},
		"none":      {c, nil, hashing.ErrEmptyModel, ""},
		"ignored":   {c.AddIgnoredPaths("a"), good, hashing.ErrEmptyModel, ""},
		"too many":  {c.SetMaxResources(1), with("b", d, 1), hashing.ErrTooMany, "b"},
		"too large": {c.SetMaxBytes(good[0].Size + 1), with("b", d, 2), hashing.ErrTooLarge, "b"},
		"some":      {c.SetOnly("a"), good, nil, "SetOnly"},
	} {
		m, err := try.c.HashFiles(context.Background(), "m", try.files)
		if m != nil || err == nil || try.want != nil && !errors.Is(err, try.want) || !strings.Contains(err.Error(), try.text) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := c.SetMaxBytes(good[0].Size+1).AddIgnoredPaths("c").HashFiles(background, "m", append(with("b", d, 1), manifest.File{Path: "c", Size: 9, Digest: d})); err != nil {
		t.Errorf("as large as it may be: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.ReportFiles(ctx, "m", good); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

const hex64 = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"

func TestReadFiles(t *testing.T) {
	files, err := hashing.ReadFiles(strings.NewReader(` [{"path":"a/\u00e9","size":0,"sha256":"` + hex64 + `"},
		{"blake3":"x","size":7,"path":""}]`))
	must(t, err)
	want := []manifest.File{{Path: "a/é", Digest: manifest.Digest{Algorithm: manifest.SHA256, Hex: hex64}},
		{Size: 7, Digest: manifest.Digest{Algorithm: manifest.BLAKE3, Hex: "x"}}}
	if !slices.Equal(files, want) {
		t.Errorf("got %+v", files)
	}
	for doc, want := range map[string]string{
		``:                                       "is not an array",
		`null`:                                   "is not an array",
		`[1]`:                                    "[0]: is not an object",
		`[{}]`:                                   "[0]: path is missing",
		`[] []`:                                  "behind the end",
		`[{"path":"a","size":1}]`:                "[0]: sha256, blake2b or blake3 is missing",
		`[{"path":"a","sha256":"x"}]`:            "[0]: size is missing",
		`[{"path":"a","size":1.5,"sha256":"x"}]`: "[0].size: 1.5 is not a whole number",
		`[{"path":"a","size":"1","sha256":"x"}]`: "[0].size: is not a number",
		`[{"path":"a","path":"b","size":1,"sha256":"x"}]`:   "[0].path: is there twice",
		`[{"path":"a","Path":"b","size":1,"sha256":"x"}]`:   "[0].Path: is there twice",
		`[{"path":"a","size":1,"sha256":"x","sha512":"x"}]`: "[0].sha512: unknown field",
		`[{"path":"a","size":1,"sha256":"x","blake3":"x"}]`: "[0].blake3: is a second digest",
		`[{"path":"\ud800","size":1,"sha256":"x"}]`:         "[0].path: bad escape",
	} {
		if _, err := hashing.ReadFiles(strings.NewReader(doc)); !errors.Is(err, hashing.ErrDigests) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", doc, err, want)
		}
	}
}

// layer returns an OCI manifest with one layer.
func layer(l string) string {
	return `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"x/y",
		"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:x","size":2},"layers":[` + l + `]}`
}

func TestParseOCI(t *testing.T) {
	const good = `{"mediaType":"application/octet-stream","digest":"sha256:` + hex64 + `","size":5,
		"annotations":{"org.opencontainers.image.title":"w/a.bin","x":"y"},"urls":[]}`
	files, err := hashing.ReadFiles(strings.NewReader("\n\t" + layer(good+","+strings.Replace(good, "a.bin", "b.bin", 1))))
	must(t, err)
	d := manifest.Digest{Algorithm: manifest.SHA256, Hex: hex64}
	if want := []manifest.File{{Path: "w/a.bin", Size: 5, Digest: d}, {Path: "w/b.bin", Size: 5, Digest: d}}; !slices.Equal(files, want) {
		t.Errorf("got %+v", files)
	}
	for doc, want := range map[string]string{
		`{}`:                    "schemaVersion is missing",
		`{"schemaVersion":1}`:   "schemaVersion: is not 2",
		`{"schemaVersion":2}`:   "layers is missing",
		`{"schemaVersion":"2"}`: "schemaVersion: is not 2",
		strings.Replace(layer(good), "manifest.v1", "index.v1", 1): "mediaType: is not application/vnd.oci.image.manifest",
		layer(good) + "x": "behind the end",
		strings.Replace(layer(good), `"urls"`, `"digest"`, 1):                              "layers[0].digest: is there twice",
		strings.Replace(layer(good), "image.title", "image.titel", 1):                      "layers[0]: has no org.opencontainers.image.title",
		strings.Replace(layer(good), `"x":"y"`, `"org.opencontainers.image.title":"y"`, 1): "image.title: is there twice",
		strings.Replace(layer(good), `"x":"y"`, `"io.deis.oras.content.unpack":"true"`, 1): "is an archive",
		strings.Replace(layer(good), "sha256:4d", "sha512:4d", 1):                          "layers[0]: digest: \"sha512:4d",
		strings.Replace(layer(good), `"size":5`, `"sise":5`, 1):                            "layers[0]: size is missing",
		strings.Replace(layer(good), `"w/a.bin"`, `7`, 1):                                  "is not a string",
		strings.Replace(layer(good), `:[{`, `:[[`, 1):                                      "layers[0]: is not an object",
	} {
		if _, err := hashing.ParseOCI([]byte(doc)); !errors.Is(err, hashing.ErrDigests) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n got %v\nwant %s", doc, err, want)
		}
	}
	// What is well-formed JSON need not be a model.
	files, err = hashing.ParseOCI([]byte(layer(good + "," + good)))
	must(t, err)
	if _, err := hashing.Config().HashFiles(context.Background(), "m", files); !errors.Is(err, fs.ErrExist) {
		t.Errorf("one title twice: got %v", err)
	}
}

// Whatever is taken for a list makes a well-formed manifest, or an error.
func FuzzReadFiles(f *testing.F) {
	f.Add([]byte(`[{"path":"a","size":1,"sha256":"` + hex64 + `"},{"path":"a/b","size":1,"blake3":"` + hex64 + `"}]`))
	f.Add([]byte(layer(`{"digest":"sha256:` + hex64 + `","size":5,"annotations":{"org.opencontainers.image.title":"a"}}`)))
	f.Fuzz(func(t *testing.T, data []byte) {
		files, err := hashing.ReadFiles(strings.NewReader(string(data)))
		if err != nil {
			if !errors.Is(err, hashing.ErrDigests) {
				t.Errorf("got %v", err)
			}
			return
		}
		m, err := manifest.FromFiles("m", files)
		if err != nil {
			return
		}
		r, err := hashing.Config().UseFileSerialization(hashing.Files{Algorithm: m.Serialization.Algorithm}).
			SetIgnoreGitPaths(false).ReportFiles(t.Context(), "m", files)
		if err != nil && !errors.Is(err, hashing.ErrName) || err == nil && fmt.Sprint(lines(r.Manifest)) != fmt.Sprint(lines(m)) {
			t.Errorf("FromFiles returns %v, ReportFiles %v, %v", m, r, err)
		}
	})
}
