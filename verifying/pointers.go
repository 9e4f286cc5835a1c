package verifying

import (
	"slices"

	"github.com/modelsigning/modelsigning/manifest"
)

// unpulled returns those of the files that hold a pointer of Git LFS for which other content was signed. Both lists
// are sorted.
func unpulled(d manifest.Diff, method manifest.Method, pointers []string) (paths []string) {
	if len(pointers) == 0 {
		return nil
	}
	add := func(name string) {
		r, _ := manifest.ParseName(name, method) // it was a resource's name a moment ago
		if _, found := slices.BinarySearch(pointers, r.Path); found {
			paths = append(paths, r.Path)
		}
	}
	for _, c := range d.Changed {
		add(c.Name)
	}
	for _, name := range d.Missing {
		add(name)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}
