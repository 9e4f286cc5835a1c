package hashing

import (
	"fmt"

	"github.com/modelsigning/modelsigning/manifest"
)

// number numbers the resources of all files and returns how many there are. It fails if there are more, or more bytes,
// than are allowed.
func (w *walker) number() (n int64, err error) {
	if i, err := w.within(w.files); err != nil {
		return 0, w.tree.fail(w.files[i].path, err)
	}
	for _, f := range w.files {
		f.first = int(n)
		more := w.count(f.size)
		if more > w.settings.resources-n {
			return 0, w.tree.fail(f.path, fmt.Errorf("%w: more than %d with this file", ErrTooMany, w.settings.resources))
		}
		n += more
		if more == 0 {
			w.empty = append(w.empty, f.path)
		}
	}
	return n, nil
}

// within reports the first of some files with which they have too many bytes. What was not looked at yet has none.
func (s *settings) within(files []*file) (i int, err error) {
	left := s.bytes
	for i, f := range files {
		if left -= max(f.size, 0); left < 0 {
			return i, s.tooLarge()
		}
	}
	return 0, nil
}

func (s *settings) tooLarge() error {
	return fmt.Errorf("%w: more than %d with this file", ErrTooLarge, s.bytes)
}

// resources returns the resources of all files, in the order of the files and without digests.
func (w *walker) resources() ([]manifest.Resource, error) {
	n, err := w.number()
	if err != nil {
		return nil, err
	}
	if w.serialization.Method == manifest.Files {
		list := make([]manifest.Resource, n) // to append whole resources takes more than twice as long
		for i, f := range w.files {
			list[i].Path = f.path
		}
		return list, nil
	}
	list := make([]manifest.Resource, 0, n)
	for _, f := range w.files {
		for start := int64(0); start < f.size; {
			end := start + min(w.serialization.ShardSize, f.size-start)
			list = append(list, manifest.Resource{Path: f.path, Start: start, End: end})
			start = end
		}
	}
	return list, nil
}

// late reports whether neither the number of resources nor anything else depends on the sizes of files before they are
// read. Then they need not be asked for twice.
func (s *settings) late() bool {
	return s.serialization.Method == manifest.Files && s.progress == nil && s.copy == nil && s.cache == nil
}

// count returns how many resources a file of the given size has.
func (s *settings) count(size int64) int64 {
	if s.serialization.Method == manifest.Files {
		return 1
	}
	return ceil(size, s.serialization.ShardSize)
}

// span returns how many bytes of a file of the given size a resource covers, but for the last.
func (s *settings) span(size int64) int64 {
	if s.serialization.Method == manifest.Files {
		return size
	}
	return min(s.serialization.ShardSize, size)
}
