package manifest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
)

// ParsePlan reads a plan. It takes the one form that [Plan.MarshalJSON] writes, byte for byte, so that nothing in it can
// be read in two ways. That includes the checksum at its end, which tells what was cut short or edited by accident,
// and is no signature. The plan is valid as [Plan.Validate] has it. Errors wrap [ErrPlan], and memory is in proportion
// to data.
func ParsePlan(data []byte) (*Plan, error) {
	c, err := open(data, planFormat)
	p := &Plan{}
	if err == nil {
		p.Name = c.str()
		c.lit(`,"slices":`)
		p.Slices = c.slice()
		p.Serialization = c.serialization()
		c.lit(`,"files":`)
		c.list(func() {
			c.lit(`{`)
			p.Files = append(p.Files, c.file())
			c.lit(`}`)
		})
		err = c.end()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPlan, err)
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return p, nil
}

// UnmarshalJSON does what [ParsePlan] does.
func (p *Plan) UnmarshalJSON(data []byte) error {
	parsed, err := ParsePlan(data)
	if err == nil {
		*p = *parsed
	}
	return err
}

// ParsePartial reads a part. It takes the one form that [Partial.MarshalJSON] writes, byte for byte, so that nothing in
// it can be read in two ways. That includes the checksum at its end, which tells what was cut short or edited by
// accident, and is no signature. The part is valid as [Partial.Validate] has it. Errors wrap [ErrPartial], and memory
// is in proportion to data.
func ParsePartial(data []byte) (*Partial, error) {
	c, err := open(data, partFormat)
	p := &Partial{}
	if err == nil {
		p.Name = c.str()
		c.lit(`,"slice":`)
		p.Slice = c.slice()
		c.lit(`,"slices":`)
		p.Slices = c.slice()
		c.lit(`,"inventory":`)
		p.Inventory = Digest{SHA256, c.str()}
		p.Serialization = c.serialization()
		c.lit(`,"segments":`)
		c.list(func() { p.Segments = append(p.Segments, c.segment(2*p.Serialization.Algorithm.Size())) })
		err = c.end()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPartial, err)
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return p, nil
}

// UnmarshalJSON does what [ParsePartial] does.
func (p *Partial) UnmarshalJSON(data []byte) error {
	parsed, err := ParsePartial(data)
	if err == nil {
		*p = *parsed
	}
	return err
}

// A cursor reads a document in the one form that this package writes. After the first error it reads nothing more.
type cursor struct {
	data []byte
	pos  int
	err  error
}

// open checks the checksum and returns a cursor that stands before the name.
func open(data []byte, format string) (*cursor, error) {
	c := &cursor{data: data}
	if c.lit(`{"format":`); c.err != nil {
		return nil, c.err
	}
	if c.lit(`"` + format + `"`); c.err != nil {
		return nil, fmt.Errorf("format: is not %q", format)
	}
	body := len(data) - tailSize
	if body < c.pos || !bytes.HasPrefix(data[body:], []byte(tailBefore)) || !bytes.HasSuffix(data, []byte(tailAfter)) {
		return nil, fmt.Errorf("is cut short: no checksum at its end")
	}
	sum := sha256.Sum256(data[:body])
	if hex.EncodeToString(sum[:]) != string(data[body+len(tailBefore):len(data)-len(tailAfter)]) {
		return nil, fmt.Errorf("sha256: is not the checksum of what stands before it, which was edited")
	}
	c.data = data[:body]
	c.lit(`,"name":`)
	return c, nil
}

func (c *cursor) fail(what string) {
	if c.err == nil {
		c.err = fmt.Errorf("byte %d: no %s where there must be one", c.pos, what)
	}
}

func (c *cursor) end() error {
	if c.pos != len(c.data) {
		c.fail("end")
	}
	return c.err
}

// next takes t if it comes next.
func (c *cursor) next(t string) bool {
	if c.err != nil || len(c.data)-c.pos < len(t) || string(c.data[c.pos:c.pos+len(t)]) != t {
		return false
	}
	c.pos += len(t)
	return true
}

func (c *cursor) lit(t string) {
	if !c.next(t) {
		c.fail(strconv.Quote(t))
	}
}

func (c *cursor) list(element func()) {
	c.lit(`[`)
	for i := 0; c.err == nil && !c.next(`]`); i++ {
		if i > 0 {
			c.lit(`,`)
		}
		element()
	}
}

func (c *cursor) int() int64 {
	end := c.pos
	for end < len(c.data) && (c.data[end] == '-' || '0' <= c.data[end] && c.data[end] <= '9') && end-c.pos < 20 {
		end++
	}
	text := string(c.data[c.pos:end])
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != text {
		c.fail("whole number of 64 bits")
		return 0
	}
	c.pos = end
	return n
}

// slice reads the number of a slice, or of all.
func (c *cursor) slice() int {
	n := c.int()
	if n < 0 || n > MaxSlices {
		c.fail("number up to " + strconv.Itoa(MaxSlices) + " before this")
		return 0
	}
	return int(n)
}

func (c *cursor) str() string {
	start := c.pos
	c.lit(`"`)
	for c.err == nil && c.pos < len(c.data) && c.data[c.pos] != '"' {
		if c.data[c.pos] == '\\' {
			c.pos++
		}
		c.pos++
	}
	if c.lit(`"`); c.err != nil {
		return ""
	}
	quoted := c.data[start:c.pos]
	if inside := quoted[1 : len(quoted)-1]; plain(inside) {
		return string(inside)
	}
	var s string
	if json.Unmarshal(quoted, &s) != nil || !bytes.Equal(appendString(nil, s), quoted) {
		c.pos = start
		c.fail("string")
	}
	return s
}

func (c *cursor) bool() bool {
	yes := c.next(`true`)
	if !yes {
		c.lit(`false`)
	}
	return yes
}

func (c *cursor) file() (f Entry) {
	c.lit(`"path":`)
	f.Path = c.str()
	c.lit(`,"size":`)
	f.Size = c.int()
	c.lit(`,"mtime":`)
	f.ModTime = c.int()
	return f
}

// segment reads one whose digests have that many digits, for others would take more memory than text.
func (c *cursor) segment(digits int) (s Segment) {
	c.lit(`{`)
	s.Entry = c.file()
	c.lit(`,"first":`)
	s.First = c.int()
	c.lit(`,"digests":`)
	c.list(func() {
		d := c.str()
		if len(d) != digits {
			c.fail(strconv.Itoa(digits) + " hexadecimal digits before this")
		}
		s.Digests = append(s.Digests, d)
	})
	c.lit(`}`)
	return s
}

func (c *cursor) serialization() (s Serialization) {
	c.lit(`,"serialization":{"method":`)
	s.Method = Method(c.str())
	c.lit(`,"hash_type":`)
	s.Algorithm = Algorithm(c.str())
	if s.Method == Shards {
		c.lit(`,"shard_size":`)
		s.ShardSize = c.int()
	}
	c.lit(`,"allow_symlinks":`)
	s.AllowSymlinks = c.bool()
	if c.next(`,"ignore_paths":`) {
		s.IgnorePaths = []string{}
		c.list(func() {
			if s.IgnorePaths = append(s.IgnorePaths, c.str()); len(s.IgnorePaths) > MaxIgnorePaths {
				c.fail("end of ignore_paths")
			}
		})
	}
	c.lit(`}`)
	return s
}
