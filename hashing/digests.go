package hashing

import (
	"errors"
	"fmt"
	"io"

	"github.com/modelsigning/modelsigning/internal/strictjson"
	"github.com/modelsigning/modelsigning/manifest"
)

// ErrDigests says that a document is not a list of files and their digests, or not one that can be used.
var ErrDigests = errors.New("malformed list of digests")

// MaxDigests is how many bytes [ReadFiles] takes at most.
const MaxDigests = 256 << 20

// ReadFiles reads what r holds, up to [MaxDigests] bytes, and parses it as [ParseFiles] or, if it is an object,
// [ParseOCI] does.
func ReadFiles(r io.Reader) ([]manifest.File, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxDigests+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxDigests {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrDigests, MaxDigests)
	}
	for _, c := range data {
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		case '{':
			return ParseOCI(data)
		}
		break
	}
	return ParseFiles(data)
}

// ParseFiles reads a list of files in JSON:
//
//	[{"path": "config.json", "size": 570, "sha256": "1d8f…"}, …]
//
// Every file has these three members and no others; in place of sha256 it may have blake2b or blake3. Errors wrap
// [ErrDigests] and say where. What is parsed need not yet be the files of a model: [manifest.FromFiles] and
// [Configuration.ReportFiles] see to that.
func ParseFiles(data []byte) ([]manifest.File, error) {
	files := []manifest.File{}
	err := strictjson.Decode(data, func(d *strictjson.Decoder) error {
		return d.Array(func(int) error {
			f, err := readFile(d)
			files = append(files, f)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDigests, err)
	}
	return files, nil
}

func readFile(d *strictjson.Decoder) (f manifest.File, err error) {
	var path, size bool
	err = d.Object(func(name string) (err error) {
		switch a := manifest.Algorithm(name); {
		case name == "path":
			path = true
			f.Path, err = d.String()
		case name == "size":
			size = true
			f.Size, err = d.Int()
		case a.Size() == 0:
			return d.Unknown()
		case f.Digest.Algorithm != "":
			return d.Errorf("is a second digest")
		default:
			f.Digest.Algorithm = a
			f.Digest.Hex, err = d.String()
		}
		return err
	})
	switch {
	case err != nil:
		return f, err
	case !path:
		return f, d.Errorf("path is missing")
	case !size:
		return f, d.Errorf("size is missing")
	case f.Digest.Algorithm == "":
		return f, d.Errorf("sha256, blake2b or blake3 is missing")
	}
	return f, nil
}
