package bundle

import (
	"errors"
	"fmt"
	"io"

	"github.com/modelsigning/modelsigning/internal/strictjson"
)

// MaxBundles is how many bundles one file of several may hold.
const MaxBundles = 256

// ErrBareEnvelope says that something is a DSSE envelope and no bundle, as slsa-github-generator wrote before its
// release 2: it may hold a certificate, and nothing that proves that it was signed while the certificate was valid. The
// error that wraps it wraps [ErrMalformed], too.
var ErrBareEnvelope = errors.New("is a DSSE envelope and not a bundle: it has no proof of a transparency log, so nothing says that it was signed while its certificate was valid")

// ReadAll reads a file of one bundle or several, at most [MaxBundles], one behind the other: JSON lines, as attestations
// are handed around. All together have at most limit bytes, and no more than [MaxSize]. All are well-formed, or it is an
// error.
func ReadAll(r io.Reader, limit int64) ([]*Bundle, error) {
	data, err := readBytes(r, min(limit, MaxSize), 0)
	if err != nil {
		return nil, err
	}
	return parseAll(data)
}

// ReadAllFile is ReadAll for the named file, see [ReadFileLimit].
func ReadAllFile(name string, limit int64) ([]*Bundle, error) {
	f, size, err := openRegular(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := readBytes(f, min(limit, MaxSize), size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	all, err := parseAll(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return all, nil
}

// parseAll reads the bundles in data, which it owns.
func parseAll(data []byte) (all []*Bundle, err error) {
	for len(data) > 0 {
		first := end(data)
		if len(trim(data[:first])) == 0 {
			break
		}
		if len(all) == MaxBundles {
			return nil, fmt.Errorf("%w: more than %d bundles", ErrMalformed, MaxBundles)
		}
		if bareEnvelope(data[:first]) {
			return nil, fmt.Errorf("%w: bundle %d: %w", ErrMalformed, len(all)+1, ErrBareEnvelope)
		}
		b, err := parse(data[:first:first], true)
		if err != nil {
			return nil, fmt.Errorf("bundle %d: %w", len(all)+1, err)
		}
		all = append(all, b)
		data = data[first:]
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: there is no bundle", ErrMalformed)
	}
	return all, nil
}

// end returns where the first JSON object in data ends, or the length of data if that can't be told: whoever reads it
// will find out why.
func end(data []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth <= 0 {
				return i + 1
			}
		}
	}
	return len(data)
}

func trim(data []byte) []byte {
	for len(data) > 0 && (data[0] == ' ' || data[0] == '\t' || data[0] == '\r' || data[0] == '\n') {
		data = data[1:]
	}
	return data
}

var errFound = errors.New("found")

// bareEnvelope looks at the first member, which no bundle has.
func bareEnvelope(data []byte) bool {
	found := ""
	// The error is the way out, or that of data, which the parser will find.
	_ = strictjson.Decode(data, func(d *strictjson.Decoder) error {
		return d.Object(func(name string) error {
			found = name
			return errFound
		})
	})
	return found == "payload" || found == "payloadType" || found == "signatures"
}
