package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A File is a whole file of which somebody knows the digest: a registry, a hub's database, a pointer of Git LFS.
type File struct {
	// Path is as in [Resource].
	Path string
	// Size is in bytes. Manifests do not hold it, so nothing is compared with it.
	Size int64
	// Digest is that of the content.
	Digest Digest
}

// FromFiles returns the manifest of a model that consists of these files, in any order, without reading any of them.
// It is what hashing the files by [Files] gives, if nothing is ignored: Serialization.IgnorePaths is empty.
//
// Errors name the file: a name that [CheckPath] refuses or that is there twice, a file that is a directory above
// another one, a negative size, a malformed digest, or one of another algorithm than that of the first file. No file
// at all is an error, too. What is returned is well-formed as [Manifest.Validate] has it.
func FromFiles(name string, files []File) (*Manifest, error) {
	m := &Manifest{Name: name, Serialization: Serialization{Method: Files, IgnorePaths: []string{}}}
	for i, f := range files {
		if i == 0 {
			m.Serialization.Algorithm = f.Digest.Algorithm
			m.Resources = make([]Resource, 0, len(files))
		}
		err := f.Check()
		if err == nil && f.Digest.Algorithm != m.Serialization.Algorithm {
			err = fmt.Errorf("%.200q: algorithm: %q, but that of the first file is %q", f.Path, f.Digest.Algorithm, m.Serialization.Algorithm)
		}
		if err != nil {
			return nil, fmt.Errorf("files[%d]: %w", i, err)
		}
		m.Resources = append(m.Resources, Resource{Path: f.Path, Digest: f.Digest})
	}
	if len(files) == 0 {
		return nil, errors.New("files: there are none")
	}
	slices.SortFunc(m.Resources, func(a, b Resource) int { return compareComponents(a.Path, b.Path) })
	for i := 1; i < len(m.Resources); i++ {
		above, p := m.Resources[i-1].Path, m.Resources[i].Path
		if above == p {
			return nil, fmt.Errorf("files: %.200q is listed twice", p)
		}
		if strings.HasPrefix(p, above) && p[len(above)] == '/' {
			return nil, fmt.Errorf("files: %.200q is a file, but %.200q is below it", above, p)
		}
	}
	m.Sort()
	return m, nil
}

// Check reports what is wrong with f by itself, naming it: a path that [CheckPath] refuses, a negative size, a malformed
// digest.
func (f File) Check() error {
	if err := CheckPath(f.Path); err != nil {
		return err
	}
	if f.Size < 0 {
		return fmt.Errorf("%.200q: size %d is negative", f.Path, f.Size)
	}
	if err := f.Digest.check(); err != nil {
		return fmt.Errorf("%.200q: %w", f.Path, err)
	}
	return nil
}

// compareComponents orders paths as if the slash came first of all characters, so that what is below a path follows it.
func compareComponents(a, b string) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	if i < len(a) && i < len(b) && a[i] != b[i] {
		switch {
		case a[i] == '/':
			return -1
		case b[i] == '/':
			return 1
		}
	}
	return strings.Compare(a[i:], b[i:])
}
