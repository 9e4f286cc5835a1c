package strictjson

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// String reads a string.
func (d *Decoder) String() (string, error) {
	raw, plain, err := d.text()
	if err != nil || plain {
		return string(raw), err
	}
	return string(unescape(raw)), nil
}

// Bytes reads a string without copying it where it holds no escapes: the result then lies in the document.
func (d *Decoder) Bytes() ([]byte, error) {
	raw, plain, err := d.text()
	if err != nil || plain {
		return raw, err
	}
	return unescape(raw), nil
}

// Bool reads true or false.
func (d *Decoder) Bool() (bool, error) {
	d.space()
	switch {
	case d.word("true"):
		return true, nil
	case d.word("false"):
		return false, nil
	}
	return false, d.Errorf("is neither true nor false")
}

// Null reads null if that is what comes next, and reports whether it did.
func (d *Decoder) Null() bool {
	d.space()
	return d.word("null")
}

// Int reads a whole number of 64 bits. Writers that only know floating point write 16 as 16.0, so it may be spelled
// like that; exponents are refused.
func (d *Decoder) Int() (int64, error) {
	d.space()
	start := d.pos
	if !d.number() {
		return 0, d.Errorf("is not a number")
	}
	text := string(d.data[start:d.pos])
	whole, fraction, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || strings.Trim(fraction, "0") != "" {
		return 0, d.Errorf("%.40s is not a whole number of 64 bits", text)
	}
	return n, nil
}

// Raw reads any value and returns its text, which lies in the document. What is in it is checked.
func (d *Decoder) Raw() ([]byte, error) {
	d.space()
	start := d.pos
	err := d.Skip()
	return d.data[start:d.pos], err
}

// Skip reads any value. What is in it is checked.
func (d *Decoder) Skip() error {
	d.space()
	if d.pos == len(d.data) {
		return d.Errorf("the document ends where a value should be")
	}
	switch c := d.data[d.pos]; {
	case c == '{':
		return d.Object(func(string) error { return d.Skip() })
	case c == '[':
		return d.Array(func(int) error { return d.Skip() })
	case c == '"':
		_, _, err := d.text()
		return err
	case d.word("true"), d.word("false"), d.word("null"), d.number():
		return nil
	}
	return d.Errorf("%q does not begin a value", d.data[d.pos])
}

func (d *Decoder) word(w string) bool {
	if bytes.HasPrefix(d.data[d.pos:], []byte(w)) {
		d.pos += len(w)
		return true
	}
	return false
}

// number moves over a number, RFC 8259 section 6.
func (d *Decoder) number() bool {
	start := d.pos
	d.take('-')
	if !d.take('0') && d.digits() == 0 || d.take('.') && d.digits() == 0 {
		d.pos = start
		return false
	}
	if d.take('e') || d.take('E') {
		if !d.take('-') {
			d.take('+')
		}
		if d.digits() == 0 {
			d.pos = start
			return false
		}
	}
	return true
}

func (d *Decoder) digits() (n int) {
	for d.pos < len(d.data) && '0' <= d.data[d.pos] && d.data[d.pos] <= '9' {
		d.pos++
		n++
	}
	return n
}

// text moves over a string and returns what stands between its quotes, checked; plain says that it holds no
// escapes.
func (d *Decoder) text() (raw []byte, plain bool, err error) {
	if d.space(); !d.take('"') {
		return nil, false, d.Errorf("is not a string")
	}
	start := d.pos
	plain = true
	for d.pos < len(d.data) {
		switch c := d.data[d.pos]; {
		case c == '"':
			raw = d.data[start:d.pos]
			d.pos++
			if !utf8.Valid(raw) {
				return nil, false, d.Errorf("is not valid UTF-8")
			}
			return raw, plain, nil
		case c < ' ':
			return nil, false, d.Errorf("control character %#02x in a string", c)
		case c == '\\':
			plain = false
			n := escapeLen(d.data[d.pos:])
			if n == 0 {
				return nil, false, d.Errorf("bad escape in a string")
			}
			d.pos += n
		default:
			d.pos++
		}
	}
	return nil, false, d.Errorf("the document ends inside a string")
}

// name returns the member name that raw spells, remembering the first few so that a million equal ones
// cost one allocation.
func (d *Decoder) name(raw []byte, plain bool) name {
	if n, ok := d.names[string(raw)]; ok {
		return n
	}
	text := string(raw)
	if !plain {
		text = string(unescape(raw))
	}
	n := name{text, Fold(text)}
	if len(d.names) < 4*MaxMembers {
		d.names[string(raw)] = n
	}
	return n
}

// Fold maps names that some reader of JSON takes for one to one string: encoding/json ignores case, and
// protobuf reads field_name and fieldName alike.
func Fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' {
			return -1
		}
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, s)
}
