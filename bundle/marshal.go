package bundle

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/modelsigning/modelsigning/internal/strictjson"
	"github.com/modelsigning/modelsigning/manifest"
	"google.golang.org/protobuf/encoding/protojson"
)

// MarshalStatement returns the statement for a manifest: JSON without white space, its members in a fixed
// order, the resources sorted by name. The same manifest always gives the same bytes. It refuses a manifest
// that is not well-formed (see [manifest.Manifest.Validate]), that has no name, or that calls its only file
// ".", which this format allows to readers alone.
func MarshalStatement(m *manifest.Manifest) ([]byte, error) {
	err := m.Validate()
	switch {
	case err != nil:
	case m.Name == "" || !utf8.ValidString(m.Name):
		err = fmt.Errorf("name: %q is empty or not valid UTF-8", m.Name)
	case m.SingleFile():
		err = errors.New(`resources: "." does not name a file`)
	}
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	if !slices.IsSortedFunc(m.Resources, manifest.CompareNames) {
		m = &manifest.Manifest{Name: m.Name, Serialization: m.Serialization, Resources: slices.Clone(m.Resources)}
		m.Sort()
	}
	size := 1024
	for _, r := range m.Resources {
		size += len(r.Path) + len(r.Digest.Hex) + 80
	}
	b := make([]byte, 0, size)
	b = append(b, `{"_type":"`+statementType+`","subject":[{"name":`...)
	b = appendString(b, m.Name)
	b = append(b, `,"digest":{"sha256":"`+m.Root().Hex+`"}}],"predicateType":"`+predicateV1+`","predicate":{`...)
	b = appendSerialization(b, m.Serialization)
	b = append(b, `,"resources":[`...)
	for i, r := range m.Resources {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"name":`...)
		b = appendString(b, r.Name())
		b = append(b, `,"digest":"`+r.Digest.Hex+`","algorithm":"`...)
		b = append(b, r.Digest.Algorithm...)
		b = append(b, `"}`...)
	}
	return append(b, `]}}`...), nil
}

func appendSerialization(b []byte, s manifest.Serialization) []byte {
	b = append(b, `"serialization":{"method":"`+string(s.Method)+`","hash_type":"`+string(s.Algorithm)+`"`...)
	if s.Method == manifest.Shards {
		b = strconv.AppendInt(append(b, `,"shard_size":`...), s.ShardSize, 10)
	}
	b = strconv.AppendBool(append(b, `,"allow_symlinks":`...), s.AllowSymlinks)
	if s.IgnorePaths != nil {
		b = append(b, `,"ignore_paths":[`...)
		for i, p := range s.IgnorePaths {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, p)
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string can't fail
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// MarshalJSON returns the bundle as it is written to files. It is an error if that could not be read again, for want
// of a statement, a signature or verification material, or because it is larger than [MaxSize].
func (b *Bundle) MarshalJSON() ([]byte, error) {
	var buf bytes.Buffer
	buf.Grow(base64.StdEncoding.EncodedLen(len(b.UnverifiedStatement())) + 16<<10)
	if err := b.write(&buf); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// WriteTo writes what MarshalJSON returns, without making it in memory. It implements [io.WriterTo].
func (b *Bundle) WriteTo(w io.Writer) (int64, error) {
	c := &countingWriter{w: w}
	err := b.write(c)
	return c.n, err
}

type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

func (b *Bundle) write(w io.Writer) error {
	material, err := b.check()
	if err != nil {
		return fmt.Errorf("the bundle can't be written: %w", err)
	}
	envelope := b.proto.GetDsseEnvelope()
	mediaType, _ := json.Marshal(b.proto.GetMediaType())
	if _, err := fmt.Fprintf(w, `{"mediaType":%s,"verificationMaterial":%s,"dsseEnvelope":{"payload":"`,
		mediaType, material); err != nil {
		return err
	}
	enc := base64.NewEncoder(base64.StdEncoding, w)
	if _, err := enc.Write(envelope.GetPayload()); err != nil {
		return err
	}
	if err := enc.Close(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, `","payloadType":%q,"signatures":[{"sig":%q,"keyid":""}]}}`,
		PayloadType, base64.StdEncoding.EncodeToString(b.Signature()))
	return err
}

// Validate returns an error that wraps [ErrMalformed] if nobody would read the bundle as it would be written: it is nil, or
// lacks a part, or a part is too large. Bundles that were read are valid. It does not verify the signature.
func (b *Bundle) Validate() error {
	if b == nil {
		return fmt.Errorf("%w: the bundle is nil", ErrMalformed)
	}
	if _, err := b.check(); err != nil {
		return fmt.Errorf("%w: bundle: %w", ErrMalformed, err)
	}
	return nil
}

// check returns the verification material as it is written, or why nobody would read the bundle.
func (b *Bundle) check() (material []byte, err error) {
	switch n, sig := len(b.UnverifiedStatement()), len(b.Signature()); {
	case n == 0:
		return nil, errors.New("payload is empty")
	case sig == 0:
		return nil, errors.New("signature is empty")
	case sig > maxSignature:
		return nil, fmt.Errorf("signature has %d bytes, more than the limit of %d", sig, maxSignature)
	case !slices.Contains(mediaTypes, b.proto.GetMediaType()):
		return nil, fmt.Errorf("mediaType: %.80q is not a Sigstore bundle", b.proto.GetMediaType())
	case int64(base64.StdEncoding.EncodedLen(n)) > MaxSize-MaxMaterial:
		return nil, fmt.Errorf("a payload of %d bytes is too large; hash fewer files, or larger shards", n)
	case b.material != nil: // it was read
		return b.material, nil
	}
	if material, err = b.materialJSON(); err == nil {
		err = strictjson.Decode(material, func(d *strictjson.Decoder) error {
			_, err := (&parser{bundle: new(Bundle)}).material(d)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("verificationMaterial: %w", err)
	}
	return material, nil
}

func (b *Bundle) materialJSON() ([]byte, error) {
	// The reference wants members to be there that are zero: tlogEntries where there are none, and of the first
	// entry of a log its index and its proof, which is empty.
	loose, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(b.proto.GetVerificationMaterial())
	if err != nil {
		return nil, err
	}
	// protojson puts white space at random, to keep anyone from relying on its bytes.
	var tight bytes.Buffer
	err = json.Compact(&tight, loose)
	return tight.Bytes(), err
}
