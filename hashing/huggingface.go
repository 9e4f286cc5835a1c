package hashing

import (
	"context"
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

func (c Configuration) reportSnapshot(ctx context.Context, dir, name string) (*Report, error) {
	s, err := c.settings()
	if err != nil {
		return nil, fmt.Errorf("hashing %s: %w", dir, err)
	}
	snapshot, err := OpenSnapshot(dir)
	if err != nil {
		return nil, err
	}
	defer snapshot.Close()
	t := &tree{fsys: snapshot, shown: dir, follow: s.serialization.AllowSymlinks, seeks: true}
	return s.report(ctx, t, name)
}
