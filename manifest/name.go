package manifest

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"
)

// CheckPath reports why p may not name a file of a model, or nil. A path is relative to the model's root:
// valid UTF-8, components separated by single slashes, none of them empty, "." or "..", and no NUL.
// Comparison is byte by byte: there is no Unicode normalisation and case matters.
func CheckPath(p string) error {
	var why string
	switch {
	case p == "":
		why = "is empty"
	case !utf8.ValidString(p):
		why = "is not valid UTF-8"
	case strings.IndexByte(p, 0) >= 0:
		why = "holds a NUL"
	case p[0] == '/':
		why = "is absolute"
	case p[len(p)-1] == '/':
		why = "ends in a slash"
	case path.Clean(p) != p || p == "." || p == ".." || strings.HasPrefix(p, "../"):
		why = `has an empty, "." or ".." component`
	default:
		return nil
	}
	return fmt.Errorf("name %.200q %s", p, why)
}

// ParseName is the inverse of [Resource.Name] for the given method. Under [Shards] the last two components
// are the range, since a path may hold colons itself; they are decimal, without sign or leading zeros.
// It does not check the path; see [CheckPath].
func ParseName(name string, m Method) (Resource, error) {
	if m != Shards {
		return Resource{Path: name}, nil
	}
	j := strings.LastIndexByte(name, ':')
	if j < 0 {
		return Resource{}, fmt.Errorf("name %.200q has no byte range", name)
	}
	i := strings.LastIndexByte(name[:j], ':')
	if i < 0 {
		return Resource{}, fmt.Errorf("name %.200q has no byte range", name)
	}
	start, err1 := parseOffset(name[i+1 : j])
	end, err2 := parseOffset(name[j+1:])
	if errors.Join(err1, err2) != nil || end <= start {
		return Resource{}, fmt.Errorf("name %.200q does not end in a byte range start:end", name)
	}
	return Resource{Path: name[:i], Start: start, End: end}, nil
}

// parseOffset takes the one spelling of each number, so that two names are never one resource.
func parseOffset(s string) (int64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err == nil && len(s) > 1 && s[0] == '0' {
		err = strconv.ErrSyntax
	}
	return int64(n), err
}
