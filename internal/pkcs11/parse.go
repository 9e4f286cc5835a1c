package pkcs11

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxURI is far above what a URI takes in bytes.
const maxURI = 64 << 10

// A SyntaxError says where a PKCS #11 URI is malformed. It never holds a value, which might be a PIN.
type SyntaxError struct {
	Column int // of the first byte that is wrong, from 1
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("PKCS #11 URI malformed at column %d: %s", e.Column, e.Reason)
}

// Parse parses a PKCS #11 URI (RFC 7512, section 2.3). Errors are a [*SyntaxError].
//
// An attribute may be given once. Of the attributes that are not known, those of the path are errors: they would
// select something, so without knowing them nothing may be selected. Those of the query are listed in
// [URI.Unknown], however often they are given.
func Parse(uri string) (*URI, error) {
	const scheme = "pkcs11:"
	if len(uri) > maxURI {
		return nil, &SyntaxError{maxURI + 1, "is too long"}
	}
	if len(uri) < len(scheme) || !strings.EqualFold(uri[:len(scheme)], scheme) {
		return nil, &SyntaxError{1, `does not begin with "pkcs11:"`}
	}
	u := new(URI)
	path, query, hasQuery := strings.Cut(uri[len(scheme):], "?")
	if path != "" {
		if err := u.parse(path, false, ";", len(scheme)); err != nil {
			return nil, err
		}
	}
	if hasQuery && query != "" {
		if err := u.parse(query, true, "&", len(scheme)+len(path)+1); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// parse parses a part of the URI, at an offset in it.
func (u *URI) parse(part string, query bool, separator string, offset int) error {
	known := u.attributes(query)
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(part, separator) {
		name, value, ok := strings.Cut(pair, "=")
		if err := checkName(name, ok, offset); err != nil {
			return err
		}
		decoded, err := unescape(value, query, offset+len(name)+1)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(known, func(a attribute) bool { return a.name == name })
		switch {
		case i < 0 && query:
			if !seen[name] {
				u.Unknown = append(u.Unknown, name)
			}
		case i < 0:
			return &SyntaxError{offset + 1, u.unknown(name)}
		case seen[name]:
			return &SyntaxError{offset + 1, name + " is given twice"}
		default:
			if c := known[i].check; c != nil {
				if err := c(decoded); err != nil {
					return &SyntaxError{offset + len(name) + 2, name + " " + err.Error()}
				}
			}
			*known[i].text = Text{true, decoded}
			if u.pin.Given && u.PINSource.Given {
				return &SyntaxError{offset + 1, "pin-value and pin-source are both given"}
			}
		}
		seen[name] = true
		offset += len(pair) + len(separator)
	}
	return nil
}

func checkName(name string, hasValue bool, offset int) error {
	for i := range len(name) {
		// What is not a name may be part of a PIN with an unencoded "&".
		if c := name[i]; !alphanumeric(c) && c != '-' && c != '_' {
			return &SyntaxError{offset + i + 1, "a name has letters, digits, - and _ only"}
		}
	}
	if name == "" {
		return &SyntaxError{offset + 1, "the name of an attribute is missing"}
	}
	if !hasValue {
		return &SyntaxError{offset + len(name) + 1, `"=" is missing`}
	}
	return nil
}

func (u *URI) unknown(name string) string {
	for _, a := range u.attributes(true) {
		if a.name == name {
			return name + ` stands before the "?", and belongs after it`
		}
	}
	return fmt.Sprintf("the attribute %.40q is not known", name)
}

func unescape(s string, query bool, offset int) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '%':
			if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return "", &SyntaxError{offset + i + 1, `"%" is not followed by two hexadecimal digits`}
			}
			n, _ := strconv.ParseUint(s[i+1:i+3], 16, 8)
			b.WriteByte(byte(n))
			i += 2
		case allowed(c, query):
			b.WriteByte(c)
		default:
			return "", &SyntaxError{offset + i + 1, "a character that must be percent-encoded"}
		}
	}
	return b.String(), nil
}

// allowed reports whether a character may stand for itself in a value.
func allowed(c byte, query bool) bool {
	switch {
	case alphanumeric(c), strings.IndexByte("-._~:[]@!$'()*+,=", c) >= 0:
		return true
	case query:
		return c == '/' || c == '?' || c == '|'
	}
	return c == '&'
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func checkText(s string) error {
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return errors.New("is not text in UTF-8")
	}
	return nil
}

func checkSlot(s string) error {
	if _, err := strconv.ParseUint(s, 10, strconv.IntSize); err != nil || s[0] == '+' {
		return errors.New("is not the number of a slot")
	}
	return nil
}

func checkVersion(s string) error {
	if _, ok := version(s); !ok {
		return errors.New(`is not a version such as "2.6"`)
	}
	return nil
}

// version returns major and minor version; the minor one is 0 if it is missing.
func version(s string) (v [2]byte, ok bool) {
	parts := strings.Split(s, ".")
	if len(parts) > len(v) {
		return v, false
	}
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 8)
		if err != nil {
			return v, false
		}
		v[i] = byte(n)
	}
	return v, true
}

func checkType(s string) error {
	switch s {
	case "public", "private", "cert", "secret-key", "data":
		return nil
	}
	return errors.New("is none of public, private, cert, secret-key, data")
}

func checkModuleName(s string) error {
	if s == "" || strings.ContainsAny(s, `/\`) {
		return errors.New("is a name, not a path; see module-path")
	}
	return checkText(s)
}
