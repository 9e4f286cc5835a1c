// Package pkcs11 signs with keys in hardware: tokens of PKCS #11 modules, named by the URIs of RFC 7512.
//
// The URIs, and all errors in them, are the same in programs without cgo. Only [Open] needs it, since modules
// are C libraries: there it fails with [ErrNoCgo]. No other package imports crypto11 or miekg/pkcs11.
package pkcs11

import (
	"fmt"
	"strings"
)

// A Text is what a URI says about a value. An attribute that is not given matches everything; one that is given
// and empty matches what is empty or missing (RFC 7512, section 2.4).
type Text struct {
	Given bool
	Value string
}

// Matches reports whether got is what the URI asks for. Devices pad their names with spaces.
func (t Text) Matches(got string) bool {
	return !t.Given || trim(t.Value) == trim(got)
}

func trim(s string) string { return strings.TrimRight(s, " \x00") }

// A URI is a parsed PKCS #11 URI. It names a module, a token, a key and a PIN. Printing one, in any way that
// fmt knows, does not print the PIN.
type URI struct {
	LibraryManufacturer, LibraryDescription, LibraryVersion Text
	SlotID, SlotManufacturer, SlotDescription               Text
	Token, Serial, Manufacturer, Model                      Text
	Object, ID, Type                                        Text // ID holds bytes of any kind
	ModuleName, ModulePath, PINSource                       Text

	// Unknown are the names of query attributes that are not known. RFC 7512 has them ignored, with a warning.
	Unknown []string

	pin Text
}

// attributes returns the attributes of the path or of the query, in the order in which they are printed.
func (u *URI) attributes(query bool) []attribute {
	if query {
		return []attribute{
			{"module-name", &u.ModuleName, checkModuleName},
			{"module-path", &u.ModulePath, checkText},
			{"pin-source", &u.PINSource, checkText},
			{"pin-value", &u.pin, nil},
		}
	}
	return []attribute{
		{"library-manufacturer", &u.LibraryManufacturer, checkText},
		{"library-description", &u.LibraryDescription, checkText},
		{"library-version", &u.LibraryVersion, checkVersion},
		{"slot-id", &u.SlotID, checkSlot},
		{"slot-manufacturer", &u.SlotManufacturer, checkText},
		{"slot-description", &u.SlotDescription, checkText},
		{"token", &u.Token, checkText},
		{"serial", &u.Serial, checkText},
		{"manufacturer", &u.Manufacturer, checkText},
		{"model", &u.Model, checkText},
		{"object", &u.Object, checkText},
		{"id", &u.ID, nil},
		{"type", &u.Type, checkType},
	}
}

type attribute struct {
	name  string
	text  *Text
	check func(string) error // nil: any bytes
}

// String returns the URI in its shortest form, with "…" for the PIN: what is printed is not a URI that could be
// used by mistake, and cost an attempt.
func (u *URI) String() string {
	var b strings.Builder
	b.WriteString("pkcs11:")
	u.write(&b, false, ";")
	var q strings.Builder
	u.write(&q, true, "&")
	if q.Len() > 0 {
		b.WriteString("?" + q.String())
	}
	return b.String()
}

func (u *URI) write(b *strings.Builder, query bool, separator string) {
	first := true
	for _, a := range u.attributes(query) {
		if !a.text.Given {
			continue
		}
		if !first {
			b.WriteString(separator)
		}
		first = false
		b.WriteString(a.name + "=")
		switch a.text {
		case &u.pin:
			b.WriteString("…")
		case &u.ID:
			b.WriteString(escapeAll(a.text.Value))
		default:
			escape(b, a.text.Value, query)
		}
	}
}

func escape(b *strings.Builder, s string, query bool) {
	for i := range len(s) {
		if allowed(s[i], query) {
			b.WriteByte(s[i])
		} else {
			fmt.Fprintf(b, "%%%02X", s[i])
		}
	}
}

func escapeAll(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02X", s[i])
	}
	return b.String()
}

// Format prints as String does, whatever the verb.
func (u URI) Format(f fmt.State, _ rune) { fmt.Fprint(f, u.String()) }

// GoString prints as String does.
func (u URI) GoString() string { return u.String() }

// Redact returns a URI as [URI.String] prints it, for texts that may not be URIs.
func Redact(uri string) string {
	u, err := Parse(uri)
	if err != nil {
		return "pkcs11:(malformed)"
	}
	return u.String()
}
