package manifest

import (
	"bytes"
	"strconv"
)

// MaxLFSPointer is how many bytes a pointer of Git LFS has at most.
const MaxLFSPointer = 1024

// ParseLFSPointer reads a pointer of Git LFS, version 1 of its specification: the file that a clone has in the place
// of a large one whose content was not pulled. It returns the digest and the size of that content, or false if data
// is anything else. It accepts what git-lfs writes: the version, then extensions if any, oid and size, each on a
// line that ends in a newline, once.
func ParseLFSPointer(data []byte) (content Digest, size int64, ok bool) {
	if len(data) > MaxLFSPointer {
		return Digest{}, 0, false
	}
	rest, ok := bytes.CutPrefix(data, []byte("version https://git-lfs.github.com/spec/v1\n"))
	if !ok {
		return Digest{}, 0, false
	}
	for priority := 0; bytes.HasPrefix(rest, []byte("ext-")); priority++ {
		line, after, ok := bytes.Cut(rest, []byte("\n"))
		name, value, two := bytes.Cut(line, []byte(" "))
		_, isOID := parseOID(value)
		if !ok || !two || priority > 9 || !bytes.HasPrefix(name, strconv.AppendInt([]byte("ext-"), int64(priority), 10)) || !isOID {
			return Digest{}, 0, false
		}
		rest = after
	}
	oid, rest, ok1 := cutLine(rest, "oid ")
	length, rest, ok2 := cutLine(rest, "size ")
	content, ok3 := parseOID(oid)
	size, err := parseOffset(string(length))
	if !ok1 || !ok2 || !ok3 || err != nil || len(rest) > 0 {
		return Digest{}, 0, false
	}
	return content, size, true
}

func cutLine(data []byte, key string) (value, rest []byte, ok bool) {
	data, ok1 := bytes.CutPrefix(data, []byte(key))
	value, rest, ok2 := bytes.Cut(data, []byte("\n"))
	return value, rest, ok1 && ok2
}

func parseOID(value []byte) (Digest, bool) {
	hex, ok := bytes.CutPrefix(value, []byte("sha256:"))
	d := Digest{SHA256, string(hex)}
	return d, ok && d.check() == nil
}
