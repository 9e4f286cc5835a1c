package verifying

import (
	"fmt"
	"slices"

	"github.com/modelsigning/modelsigning/manifest"
)

// Agrees reports whether a signature is about the same files: the same names, and where both were hashed in the same way
// the same digests. Where they were not, names are all that can be compared, so both must have been verified with the
// same model: p by [Configuration.VerifyProvenance], and r by [Configuration.VerifyContext]. The error is a
// [*MismatchError]: what is missing is signed, and not in the provenance.
func (p *Provenance) Agrees(r *Result) error {
	want, got := r.Manifest, p.Manifest
	if files := paths(got); want.SingleFile() && len(files) == 1 { // as the Python reference names it
		want = renamed(want, files[0])
	}
	var diff manifest.Diff
	if w, g := want.Serialization, got.Serialization; w.Method == g.Method && w.Algorithm == g.Algorithm && w.ShardSize == g.ShardSize {
		diff = want.Diff(got)
	} else {
		diff = manifest.Diff{Missing: uncovered(want, got), Extra: uncovered(got, want)}
	}
	if diff.Empty() {
		return nil
	}
	return fmt.Errorf("signature and provenance are not about the same files: %w", &MismatchError{Model: want.Name, Diff: diff})
}

func renamed(m *manifest.Manifest, path string) *manifest.Manifest {
	c := *m
	c.Resources = slices.Clone(m.Resources)
	for i := range c.Resources {
		c.Resources[i].Path = path
	}
	return &c
}

// uncovered returns the files of m that the other manifest does not have, though it could: shards cover no empty files.
func uncovered(m, other *manifest.Manifest) (names []string) {
	there := paths(other)
	for _, r := range m.Resources {
		_, found := slices.BinarySearch(there, r.Path)
		if !found && !(other.Serialization.Method == manifest.Shards && r.Digest.Hex == emptyFile[r.Digest.Algorithm]) {
			names = append(names, r.Path)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// emptyFile has the digests of no bytes.
var emptyFile = map[manifest.Algorithm]string{
	manifest.SHA256:  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	manifest.BLAKE2b: "786a02f742015903c6c6fd852552d272912f4740e15847618a86e217f71f5419d25e1031afee585313896444934eb04b903a685b1448b755d56f701afe9be2ce",
	manifest.BLAKE3:  "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
}
