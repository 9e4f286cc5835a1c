// Package inside tells whether a file, such as a signature, lies in a model's directory.
package inside

import "path/filepath"

// Path returns the path of file relative to the directory model, with slashes, if file is below it, whatever
// links lead there. The file need not exist; its directory must.
func Path(model, file string) (path string, ok bool, err error) {
	root, err := resolve(model)
	if err != nil {
		return "", false, err
	}
	dir, err := resolve(filepath.Dir(file))
	if err != nil {
		return "", false, err
	}
	rel, err := filepath.Rel(root, filepath.Join(dir, filepath.Base(file)))
	if err != nil || !filepath.IsLocal(rel) || rel == "." {
		return "", false, nil // on another volume, or outside
	}
	return filepath.ToSlash(rel), true, nil
}

func resolve(p string) (string, error) {
	p, err := filepath.Abs(p)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(p)
}
