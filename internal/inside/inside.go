// Package inside tells whether a file, such as a signature, lies in a model's directory.
package inside

import (
	"path/filepath"
	"slices"
)

// Paths returns the paths relative to the directory model, with slashes, under which a walk through it could meet
// file: where the file's name lies, where it leads if it is a link, and as it is spelled, which differs where links
// inside the model lead out of it. The file need not exist; its directory must.
func Paths(model, file string) ([]string, error) {
	abs, err := filepath.Abs(model)
	if err != nil {
		return nil, err
	}
	root, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return nil, err
	}
	spelled, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(spelled))
	if err != nil {
		return nil, err
	}
	paths := relative(nil, root, filepath.Join(dir, filepath.Base(spelled)))
	paths = relative(paths, abs, spelled)
	if led, err := filepath.EvalSymlinks(spelled); err == nil {
		paths = relative(paths, root, led)
	}
	return paths, nil
}

// relative adds the path of file relative to root, if it is below it.
func relative(paths []string, root, file string) []string {
	rel, err := filepath.Rel(root, file)
	if err != nil || rel == "." || !filepath.IsLocal(rel) {
		return paths // on another volume, or outside
	}
	if rel = filepath.ToSlash(rel); !slices.Contains(paths, rel) {
		paths = append(paths, rel)
	}
	return paths
}
