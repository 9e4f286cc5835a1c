package manifest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"strconv"
)

const (
	planFormat = "modelsigning/plan/v1"
	partFormat = "modelsigning/part/v1"
)

// MarshalJSON returns the plan as JSON, in the one form that [ParsePlan] reads. The same plan always gives the same
// bytes. It is an error if [Plan.Validate] has one.
func (p *Plan) MarshalJSON() ([]byte, error) { return marshal(p) }

// WriteTo writes what MarshalJSON returns, without making it in memory. It implements [io.WriterTo].
func (p *Plan) WriteTo(w io.Writer) (int64, error) {
	if err := p.Validate(); err != nil {
		return 0, err
	}
	return write(w, p)
}

// MarshalJSON returns the part as JSON, in the one form that [ParsePartial] reads. The same part always gives the same
// bytes. It is an error if [Partial.Validate] has one.
func (p *Partial) MarshalJSON() ([]byte, error) { return marshal(p) }

// WriteTo writes what MarshalJSON returns, without making it in memory. It implements [io.WriterTo].
func (p *Partial) WriteTo(w io.Writer) (int64, error) {
	if err := p.Validate(); err != nil {
		return 0, err
	}
	return write(w, p)
}

func marshal(p io.WriterTo) ([]byte, error) {
	var b bytes.Buffer
	_, err := p.WriteTo(&b)
	return b.Bytes(), err
}

// write writes a document that ends in the checksum of what stands before it.
func write(w io.Writer, p interface{ encode(*sink) }) (int64, error) {
	s := &sink{w: w, h: sha256.New()}
	p.encode(s)
	s.text(tailBefore + hex.EncodeToString(s.sum()) + tailAfter)
	s.flush()
	return s.n, s.err
}

// The last member of a document is the SHA-256 of all bytes before it.
const (
	tailBefore = `,"sha256":"`
	tailAfter  = `"}`
	tailSize   = len(tailBefore) + 2*sha256.Size + len(tailAfter)
)

func (p *Plan) encode(s *sink) {
	s.text(`{"format":"` + planFormat + `","name":`)
	s.str(p.Name)
	s.text(`,"slices":`)
	s.int(int64(p.Slices))
	s.serialization(p.Serialization)
	s.text(`,"files":[`)
	for i, f := range p.Files {
		s.comma(i)
		s.text(`{`)
		s.file(f)
		s.text(`}`)
	}
	s.text(`]`)
}

func (p *Partial) encode(s *sink) {
	s.text(`{"format":"` + partFormat + `","name":`)
	s.str(p.Name)
	s.text(`,"slice":`)
	s.int(int64(p.Slice))
	s.text(`,"slices":`)
	s.int(int64(p.Slices))
	s.text(`,"inventory":"` + p.Inventory.Hex + `"`)
	s.serialization(p.Serialization)
	s.text(`,"segments":[`)
	for i, g := range p.Segments {
		s.comma(i)
		s.text(`{`)
		s.file(g.Entry)
		s.text(`,"first":`)
		s.int(g.First)
		s.text(`,"digests":[`)
		for j, d := range g.Digests {
			s.comma(j)
			s.text(`"`)
			s.text(d)
			s.text(`"`)
		}
		s.text(`]}`)
	}
	s.text(`]`)
}

// A sink takes a document in small pieces.
type sink struct {
	w   io.Writer
	h   hash.Hash // of all that was flushed
	buf []byte
	n   int64
	err error
}

func (s *sink) text(t string) {
	if s.buf = append(s.buf, t...); len(s.buf) > 64<<10 {
		s.flush()
	}
}

func (s *sink) int(n int64) { s.buf = strconv.AppendInt(s.buf, n, 10) }

func (s *sink) str(t string) { s.buf = appendString(s.buf, t) }

func (s *sink) comma(i int) {
	if i > 0 {
		s.text(`,`)
	}
}

func (s *sink) file(f Entry) {
	s.text(`"path":`)
	s.str(f.Path)
	s.text(`,"size":`)
	s.int(f.Size)
	s.text(`,"mtime":`)
	s.int(f.ModTime)
}

func (s *sink) serialization(z Serialization) {
	s.text(`,"serialization":{"method":"` + string(z.Method) + `","hash_type":"` + string(z.Algorithm) + `"`)
	if z.Method == Shards {
		s.text(`,"shard_size":`)
		s.int(z.ShardSize)
	}
	s.text(`,"allow_symlinks":` + strconv.FormatBool(z.AllowSymlinks))
	if z.IgnorePaths != nil {
		s.text(`,"ignore_paths":[`)
		for i, p := range z.IgnorePaths {
			s.comma(i)
			s.str(p)
		}
		s.text(`]`)
	}
	s.text(`}`)
}

func (s *sink) flush() {
	s.h.Write(s.buf)
	if s.err == nil {
		var n int
		n, s.err = s.w.Write(s.buf)
		s.n += int64(n)
	}
	s.buf = s.buf[:0]
}

// sum returns the SHA-256 of all that was written.
func (s *sink) sum() []byte {
	s.flush()
	return s.h.Sum(nil)
}

// appendString quotes as package json does, which needs no help for plain text.
func appendString(b []byte, t string) []byte {
	if plain(t) {
		b = append(b, '"')
		b = append(b, t...)
		return append(b, '"')
	}
	quoted, _ := json.Marshal(t) // a string can't fail
	return append(b, quoted...)
}

func plain[T string | []byte](t T) bool {
	for i := range len(t) {
		switch c := t[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}
