package hashing

import "github.com/modelsigning/modelsigning/manifest"

// notice remembers a file whose content is a pointer of Git LFS. Files that small fit into every chunk, and so are
// all read whole.
func (e *engine) notice(i int, content []byte) {
	if len(content) > manifest.MaxLFSPointer {
		return
	}
	if _, _, ok := manifest.ParseLFSPointer(content); ok {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.pointers = append(e.pointers, e.files[i].path)
	}
}

// warnOfPointers is for signers, who may not mean to sign those.
func (s *settings) warnOfPointers(paths []string) {
	if len(paths) > 0 {
		s.logger.Warn("model holds Git LFS pointers in the place of files that were not pulled; run git lfs pull",
			"count", len(paths), "first", paths[0])
	}
}
