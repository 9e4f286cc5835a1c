package verifying

import (
	"cmp"
	"slices"

	"github.com/modelsigning/modelsigning/manifest"
)

// A signedFile is the resources of one file, as they follow each other.
type signedFile struct {
	resources []*manifest.Resource
	shard     int64 // bytes; 0 for a whole file
}

func signedFiles(m *manifest.Manifest) map[string]*signedFile {
	files := make(map[string]*signedFile)
	size := m.Serialization.ShardSize
	for i := range m.Resources {
		r := &m.Resources[i]
		f := files[r.Path]
		if f == nil {
			f = &signedFile{shard: size}
			files[r.Path] = f
		}
		f.resources = append(f.resources, r)
	}
	for _, f := range files {
		slices.SortFunc(f.resources, func(a, b *manifest.Resource) int { return cmp.Compare(a.Start, b.Start) })
	}
	return files
}

// size returns how many bytes were signed, if they are shards.
func (f *signedFile) size() int64 {
	if f == nil {
		return 0
	}
	return f.resources[len(f.resources)-1].End
}

// at returns the resource with the same bytes, or nil.
func (f *signedFile) at(got manifest.Resource) *manifest.Resource {
	i := int64(0)
	if f != nil && f.shard > 0 {
		i = got.Start / f.shard
	}
	if f == nil || i >= int64(len(f.resources)) || f.resources[i].End != got.End {
		return nil
	}
	return f.resources[i]
}

// names returns the names of the resources, in a file of the given path.
func (f *signedFile) names(path string) (list []string) {
	for _, r := range f.resources {
		r := *r
		r.Path = path
		list = append(list, r.Name())
	}
	return list
}

// differs returns how a file of got bytes, or more, differs from the shards that were signed. Of what is too much it has
// the first shard, as far as it is there.
func (f *signedFile) differs(path string, got, shard int64) (diff manifest.Diff) {
	start := min(f.size(), got) / shard * shard // where they differ first
	if f != nil {
		diff.Missing = (&signedFile{resources: f.resources[start/shard:]}).names(path)
	}
	if more := min(shard, got-start); more > 0 {
		diff.Extra = []string{manifest.Resource{Path: path, Start: start, End: start + more}.Name()}
	}
	return diff
}
