// Package purl writes and reads package URLs of Python packages, pkg:pypi/NAME@VERSION, as ECMA-427 and its definition
// of the type pypi have them. Other types are not read.
package purl

import (
	"fmt"
	"net/url"
	"strings"
)

// MaxLength is how many bytes a package URL may have.
const MaxLength = 4096

// MaxName is how many bytes the name of a package may have.
const MaxName = 256

const prefix = "pkg:pypi/"

// NormalName returns the one spelling of a package's name, in which Foo.Bar, foo_bar and foo--bar are foo-bar, as the
// index of Python packages has it. A name that is not one, by its length or its characters, is an error.
func NormalName(name string) (string, error) {
	if len(name) > MaxName {
		return "", badName(name)
	}
	var b strings.Builder
	hyphen := false
	for _, c := range []byte(name) {
		switch {
		case c == '-' || c == '_' || c == '.':
			hyphen = true
			continue
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case (c < 'a' || c > 'z') && (c < '0' || c > '9'):
			return "", badName(name)
		}
		if hyphen && b.Len() == 0 {
			return "", badName(name)
		}
		if hyphen {
			b.WriteByte('-')
		}
		b.WriteByte(c)
		hyphen = false
	}
	if hyphen || b.Len() == 0 {
		return "", badName(name)
	}
	return b.String(), nil
}

func badName(name string) error {
	return fmt.Errorf("%.300q is not the name of a Python package", name)
}

// String returns the package URL of a package with a normal name, with at most one qualifier, such as "vcs_url". Without
// a version, or without a qualifier's value, that part is left out.
func String(name, version, qualifier, value string) string {
	s := prefix + name
	if version != "" {
		s += "@" + escape(version)
	}
	if value != "" {
		s += "?" + qualifier + "=" + escape(value)
	}
	return s
}

// escape writes all but unreserved characters and the colon as percent signs and digits.
func escape(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(s) {
		if isAlphanumeric(c) || strings.IndexByte("-._~:", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// IsPyPI reports whether s is meant to be the package URL of a Python package. Scheme and type may be in any case.
func IsPyPI(s string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// Parse reads the package URL of a Python package and returns its normal name and its version, which is empty if there
// is none. Qualifiers are checked and left out; a namespace or a subpath, which such packages do not have, is an error.
func Parse(s string) (name, version string, err error) {
	if len(s) > MaxLength {
		return "", "", fmt.Errorf("a package URL of more than %d bytes", MaxLength)
	}
	fail := func(why string) (string, string, error) {
		return "", "", fmt.Errorf("package URL %.300q: %s", s, why)
	}
	if !IsPyPI(s) {
		return fail("does not begin with " + prefix)
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f {
			return fail("has characters that must be escaped")
		}
	}
	rest, qualifiers, _ := strings.Cut(s[len(prefix):], "?")
	if strings.Contains(s, "#") {
		return fail("has a subpath")
	}
	if err := checkQualifiers(qualifiers); err != nil {
		return fail(err.Error())
	}
	rest, version, found := strings.Cut(rest, "@")
	if name, err = NormalName(rest); err != nil { // which needs no escapes
		return fail(err.Error())
	}
	if version, err = url.PathUnescape(version); err != nil {
		return fail("has a bad escape")
	}
	if found && !isVersion(version) {
		return fail("has a bad version")
	}
	return name, version, nil
}

// maxVersion is how many bytes a version may have, few enough that its URL is no longer than MaxLength, all of it escaped.
const maxVersion = 1024

// isVersion keeps to printable ASCII without spaces. Whether PEP 440 knows the version is another question.
func isVersion(s string) bool {
	return s != "" && len(s) <= maxVersion && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '/' || r == '@' }) < 0
}

func checkQualifiers(s string) error {
	if s == "" {
		return nil
	}
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(s, "&") {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" || strings.Trim(strings.ToLower(key), "abcdefghijklmnopqrstuvwxyz0123456789.-_") != "" {
			return fmt.Errorf("has a bad qualifier")
		}
		if key = strings.ToLower(key); seen[key] {
			return fmt.Errorf("has the qualifier %s twice", key)
		}
		seen[key] = true
		if _, err := url.QueryUnescape(value); err != nil {
			return fmt.Errorf("has a bad escape")
		}
	}
	return nil
}
