// Package manifest says what was hashed, and how: the content of a model as a list of digests.
//
// A [Manifest] is what a signature covers. It holds one [Resource] for each file of the model, or one for
// each byte range of each file, and the [Serialization] that tells a verifier how to produce the same list
// from the files it has. Section 6 of the OpenSSF Model Signing specification v1.0 defines its content; the
// JSON that carries it is the business of package bundle, and reading the files that of package hashing.
//
// The package imports the standard library only. Its values are plain data: they may be copied, and read by
// many goroutines, as long as none of them writes.
package manifest

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// A Method is the way files become resources.
type Method string

const (
	// Files makes one resource of each file.
	Files Method = "files"
	// Shards makes one resource of each range of [Serialization.ShardSize] bytes of each file.
	Shards Method = "shards"
)

// DefaultShardSize is the shard size in bytes where none is asked for, as in the Python reference.
const DefaultShardSize = 1_000_000_000

// A Serialization says how files were enumerated and hashed. It is signed with the digests, and a verifier
// takes every one of these parameters from the signature.
type Serialization struct {
	Method    Method
	Algorithm Algorithm
	// ShardSize is in bytes; it is positive for [Shards] and zero for [Files].
	ShardSize int64
	// AllowSymlinks says that symbolic links were followed. Where it is false, a link is an error.
	AllowSymlinks bool
	// IgnorePaths are the slash-separated paths, relative to the model's root, that were left out with all
	// below them. Nil says that the signature does not record them, as before release 1.1 of the reference.
	IgnorePaths []string
}

// A Resource is one signed unit of a model: a file, or the bytes [Start, End) of a file if End is not zero.
type Resource struct {
	// Path is relative to the model's root and separated by slashes. See [CheckPath].
	Path       string
	Start, End int64
	Digest     Digest
}

// Name returns the resource's name as signatures hold it: "path" or "path:start:end".
func (r Resource) Name() string {
	if r.End == 0 {
		return r.Path
	}
	return r.Path + string(r.appendRange(nil))
}

func (r Resource) appendRange(b []byte) []byte {
	if r.End == 0 {
		return b
	}
	b = append(b, ':')
	b = strconv.AppendInt(b, r.Start, 10)
	b = append(b, ':')
	return strconv.AppendInt(b, r.End, 10)
}

// CompareNames orders resources by name, as Unicode code points, without building the names.
// It is the order that manifests are written in.
func CompareNames(a, b Resource) int {
	if a.End == 0 && b.End == 0 {
		return strings.Compare(a.Path, b.Path)
	}
	n := min(len(a.Path), len(b.Path))
	if c := strings.Compare(a.Path[:n], b.Path[:n]); c != 0 {
		return c
	}
	if len(a.Path) == len(b.Path) {
		var bufA, bufB [48]byte
		return bytes.Compare(a.appendRange(bufA[:0]), b.appendRange(bufB[:0]))
	}
	return strings.Compare(a.Name(), b.Name())
}

// compareRanges orders resources by path, and those of one path by their place in the file.
func compareRanges(a, b Resource) int {
	if c := strings.Compare(a.Path, b.Path); c != 0 {
		return c
	}
	return cmp.Compare(a.Start, b.Start)
}

// A Manifest lists the digests of a model's content.
type Manifest struct {
	// Name is the model's name, usually the base name of its path. It is informational.
	Name          string
	Serialization Serialization
	// Resources are in the order in which the signature lists them, which [Manifest.Root] depends on.
	Resources []Resource
}

// Root returns the root digest: SHA-256 over the digests in the order listed, whatever algorithm made them.
// It covers no names: it identifies contents, never the layout. A digest whose Hex is not hexadecimal counts
// as no bytes; see [Manifest.Validate].
func (m *Manifest) Root() Digest {
	h := sha256.New()
	var raw [64]byte
	for _, r := range m.Resources {
		src := r.Digest.Hex
		if len(src) > 2*len(raw) {
			src = ""
		}
		var text [2 * len(raw)]byte
		n, err := hex.Decode(raw[:], text[:copy(text[:], src)])
		if err != nil {
			n = 0
		}
		h.Write(raw[:n])
	}
	return Digest{SHA256, hex.EncodeToString(h.Sum(nil))}
}

// Sort puts the resources into the order in which manifests are written: by name, as Unicode code points.
func (m *Manifest) Sort() { slices.SortFunc(m.Resources, CompareNames) }
