package hashing

import (
	"bytes"
	"errors"

	"github.com/modelsigning/modelsigning/manifest"
)

// SetFollowLFSPointers says whether a file that is a pointer of Git LFS, as [manifest.ParseLFSPointer] reads it, stands
// for the file that it points to: the SHA-256 that it names goes into the manifest, as if that file had been hashed. So
// a clone can be signed or verified whose large files were not pulled. The default is false: a pointer is then hashed
// like any other file, and so is always one with extensions, which name the digest of something else.
//
// What was not read is listed in the Unread of [Report], and the logger is warned. That whoever pulls the files later
// gets those bytes is for Git LFS to see, or for verifying again.
//
// Only SHA-256 of whole files can be had this way: with another algorithm, and with shards, hashing fails. So do those
// methods that have nowhere to say what was not read, or need all of it: [Configuration.Plan], [Configuration.Part],
// [Configuration.Recheck], [Configuration.Record], and all with SetCopy.
func (c Configuration) SetFollowLFSPointers(follow bool) Configuration {
	c.follow = follow
	return c
}

var errUnread = errors.New("pointers of Git LFS cannot be followed where files must be read")

func (s *settings) checkFollow() error {
	if s.follow && (s.serialization.Method != manifest.Files || s.serialization.Algorithm != manifest.SHA256) {
		return errors.New("pointers of Git LFS stand for the SHA-256 of whole files, and for nothing else")
	}
	if s.follow && s.copy != nil {
		return errUnread
	}
	return nil
}

// notice remembers a file whose content is a pointer of Git LFS. Files that small fit into every chunk, and so are
// all read whole. If it follows the pointer, it reports so.
func (e *engine) notice(i int, content []byte) (followed bool) {
	if len(content) > manifest.MaxLFSPointer {
		return false
	}
	digest, _, ok := manifest.ParseLFSPointer(content)
	if !ok {
		return false
	}
	f := e.files[i]
	list := &e.pointers
	if e.settings.follow && !bytes.Contains(content, []byte("\next-")) {
		followed, list = true, &e.followed
		e.resources[f.first].Digest = digest
		e.progress.add(f.path, len(content))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	*list = append(*list, f.path)
	return followed
}

// warnOfPointers is for who asks for a manifest alone, and may not mean to sign those.
func (c Configuration) warnOfPointers(r *Report) {
	if n := len(r.LFSPointers); n > 0 && c.logger != nil {
		c.logger.Warn("model holds Git LFS pointers in the place of files that were not pulled; run git lfs pull",
			"count", n, "first", r.LFSPointers[0])
	}
}

// warnOfFollowed says what was not read to those who only get a manifest.
func (s *settings) warnOfFollowed(paths []string) {
	if len(paths) > 0 {
		s.logger.Warn("model holds Git LFS pointers, which stand for files that were not read",
			"count", len(paths), "first", paths[0])
	}
}
