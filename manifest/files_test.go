package manifest_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/manifest"
)

func file(path string) manifest.File {
	return manifest.File{Path: path, Size: 1, Digest: manifest.Digest{Algorithm: manifest.SHA256, Hex: strings.Repeat("ab", 32)}}
}

func TestFromFiles(t *testing.T) {
	var files []manifest.File
	for _, p := range []string{"a/b", "a-b", "a.b", "z", "\u00e9", "a/c/d", "ab"} {
		files = append(files, file(p))
	}
	for range 20 {
		rand.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
		m, err := manifest.FromFiles("m", files)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range m.Resources {
			got = append(got, r.Name())
		}
		if want := []string{"a-b", "a.b", "a/b", "a/c/d", "ab", "z", "\u00e9"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if s := m.Serialization; m.Name != "m" || s.Method != manifest.Files || s.Algorithm != manifest.SHA256 || s.IgnorePaths == nil {
			t.Errorf("got %+v", m)
		}
		if err := m.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestFromFilesRefuses(t *testing.T) {
	with := func(change func(f *manifest.File)) manifest.File {
		f := file("b")
		change(&f)
		return f
	}
	for want, files := range map[string][]manifest.File{
		"there are none":                {},
		`"a" is listed twice`:           {file("a"), file("b"), file("a")},
		`"a" is a file, but "a/b" is`:   {file("a/b"), file("a-b"), file("a"), file("a.b")},
		`"a/b" is a file, but "a/b/c"`:  {file("a/b/c"), file("a/b"), file("a/b-c")},
		`".." component`:                {file("a"), file("../b")},
		"files[1]: name \"\" is empty":  {file("a"), file("")},
		`files[0]: name "." has`:        {file(".")},
		`"b": size -1 is negative`:      {file("a"), with(func(f *manifest.File) { f.Size = -1 })},
		"has 64 hexadecimal digits":     {with(func(f *manifest.File) { f.Digest.Hex = "" })},
		"lower-case hexadecimal":        {with(func(f *manifest.File) { f.Digest.Hex = strings.Repeat("AB", 32) })},
		`unknown hash algorithm "md5"`:  {with(func(f *manifest.File) { f.Digest.Algorithm = "md5" })},
		`that of the first file is "sh`: {file("a"), with(func(f *manifest.File) { f.Digest.Algorithm = manifest.BLAKE3 })},
	} {
		if m, err := manifest.FromFiles("m", files); m != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
