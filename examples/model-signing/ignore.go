package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
)

// ignoredPaths turns paths relative to the working directory into paths relative to the model. One that was meant to be
// relative to the model is refused, since it would leave out nothing.
func ignoredPaths(paths []string, model string, log *slog.Logger) (inModel []string, err error) {
	root, err := realPath(model)
	if err != nil {
		return nil, err
	}
	for _, p := range paths {
		rel, err := pathIn(root, p)
		if err != nil {
			return nil, err
		}
		if rel != "" {
			inModel = append(inModel, rel)
			continue
		}
		if _, err := os.Lstat(filepath.Join(root, p)); err == nil && filepath.IsLocal(p) && filepath.Clean(p) != "." {
			return nil, usageError{fmt.Errorf("--ignore-paths %s: is relative to the working directory, and so not inside the model; "+
				"is %s meant?", p, filepath.Join(model, p))}
		}
		log.Warn("path to ignore is not inside the model", "path", p)
	}
	return inModel, nil
}

// warnAbsent warns of paths in the model that are not there.
func warnAbsent(inModel []string, model string, log *slog.Logger) {
	for _, rel := range inModel {
		p := filepath.Join(model, filepath.FromSlash(rel))
		if _, err := os.Lstat(p); err != nil {
			log.Warn("path to ignore does not exist", "path", p)
		}
	}
}

// pathIn returns p relative to the directory root, with slashes, or nothing if p is not below it.
func pathIn(root, p string) (string, error) {
	abs, err := filepath.Abs(p)
	if err != nil {
		return "", err
	}
	// Not the link itself is resolved: it is what shall be left out.
	dir, err := filepath.EvalSymlinks(filepath.Dir(abs))
	if err != nil && !os.IsNotExist(err) {
		return "", err
	}
	if err != nil {
		dir = filepath.Dir(abs)
	}
	rel, err := filepath.Rel(root, filepath.Join(dir, filepath.Base(abs)))
	if err != nil || rel == "." || !filepath.IsLocal(rel) {
		return "", nil
	}
	return filepath.ToSlash(rel), nil
}

func realPath(p string) (string, error) {
	abs, err := filepath.Abs(p)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(abs)
}
