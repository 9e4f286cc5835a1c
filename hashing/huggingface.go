package hashing

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// HuggingFaceCache is where a download into a directory of the user's, local_dir or --local-dir, keeps what Hugging
// Face's libraries need to go on with it. It is no part of the model, and for [Configuration.AddIgnoredPaths].
const HuggingFaceCache = ".cache/huggingface"

// SetHuggingFace says whether models are taken as Hugging Face's libraries lay them out. A directory
// snapshots/<revision> of a repository in their cache, whose name holds "--" as in models--org--name, is hashed as
// [OpenSnapshot] shows it. In every other directory [HuggingFaceCache] is ignored, which the manifest records. The
// default is false. It is not for [Configuration.HashFS].
func (c Configuration) SetHuggingFace(layout bool) Configuration {
	c.hub = layout
	return c
}

// isSnapshot reports whether dir is to be opened as a snapshot.
func isSnapshot(dir string) bool {
	repository, _, err := splitSnapshot(dir)
	if err != nil || !strings.Contains(filepath.Base(repository), "--") {
		return false
	}
	info, err := os.Stat(dir)
	return err == nil && info.IsDir()
}

// openModel opens the model at path model, which lies as SetHuggingFace says, and returns what it is called.
func (c Configuration) openModel(model string) (s *settings, t *tree, name string, err error) {
	abs, err := filepath.Abs(model)
	snapshot := c.hub && isSnapshot(model)
	if c.hub && !snapshot {
		c = c.AddIgnoredPaths(HuggingFaceCache)
	}
	if err == nil {
		s, err = c.settings()
	}
	if err != nil {
		return nil, nil, "", fmt.Errorf("hashing %s: %w", model, err)
	}
	if name = filepath.Base(abs); snapshot {
		t, err = snapshotTree(model, s.serialization.AllowSymlinks)
	} else {
		t, err = openTree(model, name, s.serialization.AllowSymlinks)
	}
	return s, t, name, err
}

func snapshotTree(dir string, links bool) (*tree, error) {
	s, err := OpenSnapshot(dir)
	if err != nil {
		return nil, err
	}
	return &tree{fsys: s, shown: dir, follow: links, seeks: true, opened: s}, nil
}
