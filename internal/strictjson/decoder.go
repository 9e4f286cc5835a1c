// Package strictjson reads JSON that comes from strangers. It is a pull parser that takes RFC 8259 to the
// letter and less: valid UTF-8, no unpaired surrogates, no member named twice in an object (names that differ
// only in case or underscores count as one), at most [MaxDepth] levels and [MaxMembers] members, nothing
// behind the value. Every error says at which member it was found, so a signature that two readers would
// understand differently is refused, and the reader of the log knows why.
//
// It works on bytes in memory and allocates for the strings that the caller takes, so that a document of a
// million elements costs what its content costs.
package strictjson

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	MaxDepth   = 32  // nesting of objects and arrays
	MaxMembers = 64  // members of one object, unless [Decoder.AllowMembers] says more; arrays have no limit
	MaxName    = 256 // bytes of a member's name, as it is spelled
)

// An Error says what is wrong with a document, and where.
type Error struct {
	Path string // as in "predicate.resources[3].name"; empty for the document as a whole
	Msg  string
}

func (e *Error) Error() string {
	if e.Path == "" {
		return e.Msg
	}
	return e.Path + ": " + e.Msg
}

// A Decoder stands before a value of a document. Each of its methods that reads a value must be called
// exactly once for each value. It must not be used by several goroutines.
type Decoder struct {
	data  []byte
	pos   int
	path  []step
	seen  []string // folded names of the objects that are open, innermost last
	names map[string]name
	max   int // members of one object
}

// A step is a member or an element on the way to the current value; index is -1 for members.
type step struct {
	name  string
	index int
}

type name struct{ text, folded string }

// Decode calls read for the document's value and sees that nothing but white space follows it. Errors of
// read that are not made by the Decoder get the path of the value at which they occurred.
func Decode(data []byte, read func(d *Decoder) error) error {
	d := &Decoder{data: data, names: make(map[string]name), max: MaxMembers}
	if err := read(d); err != nil {
		return d.locate(err)
	}
	d.path = nil
	if d.space(); d.pos != len(d.data) {
		return d.Errorf("there is more behind the end of the document")
	}
	return nil
}

// AllowMembers sets how many members one object may have from here on. Each is compared with those before it, so a
// document of n bytes may take time in the order of n times that many.
func (d *Decoder) AllowMembers(n int) { d.max = n }

// Errorf returns an error at the current value.
func (d *Decoder) Errorf(format string, args ...any) error {
	var b strings.Builder
	for _, s := range d.path {
		switch {
		case s.index >= 0:
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		case s.name == "":
		case b.Len() > 0:
			b.WriteString("." + printable(s.name))
		default:
			b.WriteString(printable(s.name))
		}
	}
	return &Error{b.String(), fmt.Sprintf(format, args...)}
}

// printable keeps a name chosen by a stranger from writing to somebody's terminal, or from filling it.
func printable(name string) string {
	if len(name) > 64 {
		name = name[:64] + "…"
	}
	q := strconv.QuoteToASCII(name)
	if q[1:len(q)-1] == name {
		return name
	}
	return q
}

func (d *Decoder) locate(err error) error {
	if _, ok := err.(*Error); ok {
		return err
	}
	return d.Errorf("%v", err)
}

// Object calls member for each member of the object; member must read the value.
func (d *Decoder) Object(member func(name string) error) error {
	return d.list('{', '}', "an object", func(i int, mark int) error {
		if i == d.max {
			return d.Errorf("more than %d members", d.max)
		}
		d.path[len(d.path)-1] = step{index: -1} // not the member before this one
		raw, plain, err := d.text()
		if err != nil {
			return err
		}
		if len(raw) > MaxName {
			return d.Errorf("the name of a member is longer than %d bytes", MaxName)
		}
		n := d.name(raw, plain)
		d.path[len(d.path)-1] = step{n.text, -1}
		for _, s := range d.seen[mark:] {
			if s == n.folded {
				return d.Errorf("is there twice")
			}
		}
		d.seen = append(d.seen, n.folded)
		if d.space(); !d.take(':') {
			return d.Errorf("no colon behind the name")
		}
		return member(n.text)
	})
}

// Array calls element for each element of the array; element must read the value.
func (d *Decoder) Array(element func(i int) error) error {
	return d.list('[', ']', "an array", func(i int, _ int) error {
		d.path[len(d.path)-1].index = i
		return element(i)
	})
}

func (d *Decoder) list(open, end byte, what string, item func(i, mark int) error) error {
	if d.space(); !d.take(open) {
		return d.Errorf("is not %s", what)
	}
	if len(d.path) == MaxDepth {
		return d.Errorf("is nested more than %d levels deep", MaxDepth)
	}
	mark := len(d.seen)
	d.path = append(d.path, step{index: -1})
	for i := 0; ; i++ {
		if d.space(); i == 0 && d.take(end) {
			break
		}
		if err := item(i, mark); err != nil {
			return d.locate(err)
		}
		if d.space(); d.take(',') {
			d.space()
			continue
		}
		if !d.take(end) {
			return d.Errorf("no comma or %q behind the value", end)
		}
		break
	}
	d.path = d.path[:len(d.path)-1]
	d.seen = d.seen[:mark]
	return nil
}

// Unknown returns the error for a member that must not be there.
func (d *Decoder) Unknown() error { return d.Errorf("unknown field") }

func (d *Decoder) space() {
	for d.pos < len(d.data) {
		switch d.data[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

func (d *Decoder) take(c byte) bool {
	if d.pos < len(d.data) && d.data[d.pos] == c {
		d.pos++
		return true
	}
	return false
}

// Peek returns the text of the value that comes next, which lies in the document, without reading it. It
// reports an error if the value is malformed or longer than limit bytes.
func (d *Decoder) Peek(limit int) ([]byte, error) {
	d.space()
	start := d.pos
	raw, err := d.Raw()
	d.pos = start
	if err == nil && len(raw) > limit {
		err = d.Errorf("is longer than %d bytes", limit)
	}
	return raw, err
}
