package provenance

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/modelsigning/modelsigning/manifest"
)

// subjects returns what a statement about a model lists: the model, and its files if they are not too many.
func subjects(m *manifest.Manifest) []Subject {
	list := []Subject{wholeModel(m)}
	if !perFile(m) || 1+len(m.Resources) > MaxSubjects {
		return list
	}
	for _, r := range sorted(m).Resources {
		list = append(list, Subject{r.Path, map[string]string{"sha256": r.Digest.Hex}})
	}
	return list
}

func wholeModel(m *manifest.Manifest) Subject {
	digest := map[string]string{"sha256": sorted(m).Root().Hex}
	if h, ok := DirHash(m); ok {
		digest["dirHash"] = h
	}
	return Subject{m.Name, digest}
}

// perFile says whether a manifest has the SHA-256 of each file.
func perFile(m *manifest.Manifest) bool {
	return m.Serialization.Method == manifest.Files && m.Serialization.Algorithm == manifest.SHA256
}

// sorted returns the manifest in the order in which it is written, on which its root digest depends.
func sorted(m *manifest.Manifest) *manifest.Manifest {
	if slices.IsSortedFunc(m.Resources, manifest.CompareNames) {
		return m
	}
	c := *m
	c.Resources = slices.Clone(m.Resources)
	c.Sort()
	return &c
}

// DirHash returns in-toto's dirHash of a model: Hash1 of golang.org/x/mod/sumdb/dirhash, in hexadecimal. For it there
// must be a SHA-256 of each file, and no name with a line break in it.
func DirHash(m *manifest.Manifest) (digest string, ok bool) {
	if !perFile(m) {
		return "", false
	}
	h := sha256.New()
	var line []byte
	for _, r := range sorted(m).Resources {
		if strings.Contains(r.Path, "\n") {
			return "", false
		}
		line = append(append(append(line[:0], r.Digest.Hex...), "  "...), r.Path...)
		h.Write(append(line, '\n'))
	}
	return hex.EncodeToString(h.Sum(nil)), true
}
