package bundle

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/modelsigning/modelsigning/internal/strictjson"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
)

const (
	// MaxSize is the largest bundle in bytes that is read or written: 2 GiB, some ten million files, and less
	// where an int has 32 bits. Reading a file takes about its own size in memory, its manifest about as much again.
	// [Read] and [ReadFileLimit] take a smaller limit for bundles of strangers.
	MaxSize = min(2<<30, math.MaxInt/4)
	// MaxMaterial is the largest verification material in bytes.
	MaxMaterial = 4 << 20
)

// mediaTypes are those that releases of the reference and of Sigstore's clients wrote.
var mediaTypes = []string{
	MediaType,
	"application/vnd.dev.sigstore.bundle+json;version=0.3",
	chainMediaTypes[0],
	chainMediaTypes[1],
}

// chainMediaTypes are those whose Sigstore certificates stand in x509CertificateChain.
var chainMediaTypes = []string{
	"application/vnd.dev.sigstore.bundle+json;version=0.2",
	"application/vnd.dev.sigstore.bundle+json;version=0.1",
}

// Parse reads a bundle. It keeps nothing of data. Errors wrap [ErrMalformed].
func Parse(data []byte) (*Bundle, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("%w: bundle has %d bytes, more than the limit of %d", ErrMalformed, len(data), MaxSize)
	}
	return parse(data, false)
}

// UnmarshalJSON is [Parse], for bundles inside of other documents.
func (b *Bundle) UnmarshalJSON(data []byte) error {
	parsed, err := Parse(data)
	if err == nil {
		*b = *parsed
	}
	return err
}

// Read reads a bundle of at most limit bytes (no more than [MaxSize]) from r, to its end. Memory is in proportion to what
// r yields, some three and a half times as much since nothing tells how much that will be, and never to the limit.
func Read(r io.Reader, limit int64) (*Bundle, error) { return read(r, min(limit, MaxSize), 0) }

func read(r io.Reader, limit, hint int64) (*Bundle, error) {
	data, err := readBytes(r, limit, hint)
	if err != nil {
		return nil, err
	}
	return parse(data, true)
}

// readBytes takes a hint of how many bytes there are, so that a large bundle is not moved as it grows.
func readBytes(r io.Reader, limit, hint int64) ([]byte, error) {
	if hint > limit {
		return nil, fmt.Errorf("%w: bundle has %d bytes, more than the limit of %d", ErrMalformed, hint, limit)
	}
	r = io.LimitReader(r, limit+1)
	var buf bytes.Buffer
	if _, err := io.CopyN(&buf, r, 512); err != nil && err != io.EOF {
		return nil, fmt.Errorf("reading bundle: %w", err)
	}
	// A hint is believed only of what begins as a bundle does.
	if bytes.HasPrefix(bytes.TrimLeft(buf.Bytes(), " \t\r\n"), []byte("{")) {
		buf.Grow(int(max(hint-int64(buf.Len()), 0)) + bytes.MinRead)
		if _, err := buf.ReadFrom(r); err != nil {
			return nil, fmt.Errorf("reading bundle: %w", err)
		}
	}
	if int64(buf.Len()) > limit {
		return nil, fmt.Errorf("%w: bundle has more than the limit of %d bytes", ErrMalformed, limit)
	}
	return buf.Bytes(), nil
}

// parse reads a bundle. If it owns data, the payload will lie in it.
func parse(data []byte, own bool) (*Bundle, error) {
	p := parser{own: own, bundle: &Bundle{proto: new(protobundle.Bundle)}}
	if err := strictjson.Decode(data, p.document); err != nil {
		return nil, fmt.Errorf("%w: bundle: %w", ErrMalformed, err)
	}
	return p.bundle, nil
}

type parser struct {
	own    bool
	bundle *Bundle
}

func (p *parser) document(d *strictjson.Decoder) error {
	b := p.bundle.proto
	err := d.Object(func(name string) (err error) {
		if d.Null() {
			return known(d, name, "mediaType", "media_type", "verificationMaterial", "verification_material",
				"dsseEnvelope", "dsse_envelope")
		}
		switch name {
		case "mediaType", "media_type":
			b.MediaType, err = token(d)
		case "verificationMaterial", "verification_material":
			b.VerificationMaterial, err = p.material(d)
		case "dsseEnvelope", "dsse_envelope":
			var e *protodsse.Envelope
			e, err = p.envelope(d)
			b.Content = &protobundle.Bundle_DsseEnvelope{DsseEnvelope: e}
		case "messageSignature", "message_signature":
			err = d.Errorf("signs a message; a model's signature has a dsseEnvelope")
		default:
			err = d.Unknown()
		}
		return err
	})
	if err != nil {
		return err
	}
	switch {
	case b.MediaType == "":
		return d.Errorf("mediaType is missing")
	case !slices.Contains(mediaTypes, b.MediaType):
		return d.Errorf("mediaType: %.80q is not a Sigstore bundle that this version reads", b.MediaType)
	case b.VerificationMaterial == nil:
		return d.Errorf("verificationMaterial is missing")
	case b.GetDsseEnvelope() == nil:
		return d.Errorf("dsseEnvelope is missing")
	}
	return nil
}

func (p *parser) envelope(d *strictjson.Decoder) (*protodsse.Envelope, error) {
	e := new(protodsse.Envelope)
	err := d.Object(func(name string) (err error) {
		if d.Null() {
			return known(d, name, "payload", "payloadType", "payload_type", "signatures")
		}
		switch name {
		case "payload":
			e.Payload, err = decodeBase64(d, p.own, math.MaxInt)
		case "payloadType", "payload_type":
			e.PayloadType, err = token(d)
			if err == nil && e.PayloadType != PayloadType {
				err = d.Errorf("is %.80q, not %q", e.PayloadType, PayloadType)
			}
		case "signatures":
			e.Signatures, err = signatures(d)
		default:
			err = d.Unknown()
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case len(e.Payload) == 0:
		return nil, d.Errorf("payload is missing")
	case e.PayloadType == "":
		return nil, d.Errorf("payloadType is missing")
	case len(e.Signatures) == 0:
		return nil, d.Errorf("signatures: there is none")
	}
	return e, nil
}

const (
	maxSignature = 4 << 10 // far above what a signature, or a public key, of any kind takes
	maxToken     = 4 << 10 // for names that this package compares with constants, or ignores
)

func token(d *strictjson.Decoder) (string, error) {
	if _, err := d.Peek(maxToken); err != nil {
		return "", err
	}
	return d.String()
}

func signatures(d *strictjson.Decoder) (sigs []*protodsse.Signature, err error) {
	err = d.Array(func(i int) error {
		if i > 0 {
			return d.Errorf("is a second signature; exactly one is allowed")
		}
		s := new(protodsse.Signature)
		err := d.Object(func(name string) (err error) {
			if d.Null() {
				return known(d, name, "sig", "keyid")
			}
			switch name {
			case "sig":
				s.Sig, err = decodeBase64(d, false, maxSignature)
			case "keyid":
				s.Keyid, err = token(d)
			default:
				err = d.Unknown()
			}
			return err
		})
		if err == nil && len(s.Sig) == 0 {
			err = d.Errorf("sig is missing")
		}
		sigs = append(sigs, s)
		return err
	})
	return sigs, err
}

// known returns the error for a member that is null under a name other than these.
func known(d *strictjson.Decoder, name string, names ...string) error {
	if slices.Contains(names, name) {
		return nil
	}
	return d.Unknown()
}

// decodeBase64 reads a string of at most limit bytes in the standard encoding, with its padding and without
// line breaks. With inPlace, the result takes the place of the string in the document.
func decodeBase64(d *strictjson.Decoder, inPlace bool, limit int) ([]byte, error) {
	text, err := d.Bytes()
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimRight(text, "="))*3/4 > limit {
		return nil, d.Errorf("is longer than %d bytes", limit)
	}
	dst := text
	if !inPlace {
		dst = make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	}
	// Chunks go through scratch, because a decoder may write ahead of what it has read.
	var scratch [4096]byte
	n := 0
	for len(text) > 0 {
		c := copy(scratch[:], text)
		text = text[c:]
		m, err := base64.StdEncoding.Strict().Decode(dst[n:], scratch[:c])
		if err != nil || bytes.ContainsAny(scratch[:c], "\r\n") || len(text) > 0 && m != c/4*3 {
			return nil, d.Errorf("is not base64 with padding")
		}
		n += m
	}
	return dst[:n:n], nil
}
