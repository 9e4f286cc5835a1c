package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/manifest"
)

var (
	oid     = strings.Repeat("0123456789abcdef", 4)
	pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + oid + "\nsize 12345\n"
)

func TestParseLFSPointer(t *testing.T) {
	ext := strings.Replace(pointer, "oid", "ext-0-foo sha256:"+oid+"\next-1-bar sha256:"+oid+"\noid", 1)
	for _, data := range []string{pointer, ext} {
		d, size, ok := manifest.ParseLFSPointer([]byte(data))
		if !ok || size != 12345 || d != (manifest.Digest{Algorithm: manifest.SHA256, Hex: oid}) {
			t.Errorf("%s\ngot %v, %d, %v", data, d, size, ok)
		}
	}
	for _, data := range []string{
		"", "version https://git-lfs.github.com/spec/v1\n", pointer[:len(pointer)-1], pointer + "\n", pointer + "x y\n", " " + pointer,
		strings.Replace(pointer, "v1", "v2", 1),
		strings.ReplaceAll(pointer, "\n", "\r\n"),
		strings.Replace(pointer, "a", "A", -1),
		strings.Replace(pointer, "sha256", "sha512", 1),
		strings.Replace(pointer, oid, oid[1:], 1),
		strings.Replace(pointer, "12345", "-1", 1),
		strings.Replace(pointer, "12345", "012345", 1),
		strings.Replace(pointer, "12345", "99999999999999999999", 1),
		strings.Replace(pointer, "12345", "", 1),
		strings.Replace(pointer, "size 12345\n", "", 1),
		strings.Replace(pointer, "oid", "size 1\noid", 1),
		strings.Replace(pointer, "oid", "ext-1-foo sha256:"+oid+"\noid", 1),
		strings.Replace(pointer, "oid", "ext-0-foo sha256:"+oid[1:]+"\noid", 1),
		strings.Replace(pointer, "oid", "ext-0-"+strings.Repeat("x", 1024)+" sha256:"+oid+"\noid", 1),
	} {
		if d, size, ok := manifest.ParseLFSPointer([]byte(data)); ok {
			t.Errorf("%q is taken for a pointer to %v, %d bytes", data, d, size)
		}
	}
}

func FuzzParseLFSPointer(f *testing.F) {
	f.Add([]byte(pointer))
	f.Add([]byte(strings.Replace(pointer, "oid", "ext-0-foo sha256:"+oid+"\noid", 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, size, ok := manifest.ParseLFSPointer(data)
		if ok && !strings.HasSuffix(string(data), fmt.Sprintf("oid %s\nsize %d\n", d, size)) {
			t.Errorf("%q is read as %v, %d bytes", data, d, size)
		}
	})
}
