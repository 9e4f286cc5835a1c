package hashing

import (
	"fmt"
	"strings"

	"github.com/modelsigning/modelsigning/internal/strictjson"
	"github.com/modelsigning/modelsigning/manifest"
)

// What an image manifest of the Open Container Initiative says, as far as it is about files. The image specification
// v1.1 defines the manifest and the title; ORAS has the mark of a layer that is an archive of a directory.
const (
	ociManifest = "application/vnd.oci.image.manifest.v1+json"
	ociTitle    = "org.opencontainers.image.title"
	ociUnpack   = "io.deis.oras.content.unpack"
)

// ParseOCI reads the files from an OCI image manifest whose layers are files, as ORAS stores them: the annotation
// org.opencontainers.image.title of each layer is the path of a file, and its digest, which must be SHA-256, is that of
// the file. A layer without a title, or one that is to be unpacked, stands for something else than a file and is an
// error. Whatever else the manifest says is passed over, as the specification wants it. Errors wrap [ErrDigests].
//
// That a registry has these blobs, and under this digest, is for its client to check.
func ParseOCI(data []byte) ([]manifest.File, error) {
	var files []manifest.File
	var version, layers bool
	err := strictjson.Decode(data, func(d *strictjson.Decoder) error {
		return d.Object(func(name string) error {
			switch name {
			case "schemaVersion":
				version = true
				if v, err := d.Int(); err != nil || v != 2 {
					return d.Errorf("is not 2")
				}
				return nil
			case "mediaType":
				if t, err := d.String(); err != nil || t != ociManifest {
					return d.Errorf("is not %s", ociManifest)
				}
				return nil
			case "layers":
				layers = true
				return d.Array(func(int) error {
					f, err := readLayer(d)
					files = append(files, f)
					return err
				})
			}
			return d.Skip()
		})
	})
	switch {
	case err != nil:
	case !version:
		err = fmt.Errorf("schemaVersion is missing")
	case !layers:
		err = fmt.Errorf("layers is missing")
	default:
		return files, nil
	}
	return nil, fmt.Errorf("%w: OCI manifest: %w", ErrDigests, err)
}

func readLayer(d *strictjson.Decoder) (f manifest.File, err error) {
	var digest string
	size := false
	err = d.Object(func(name string) (err error) {
		switch name {
		case "digest":
			digest, err = d.String()
		case "size":
			size = true
			f.Size, err = d.Int()
		case "annotations":
			f.Path, err = readTitle(d)
		default:
			err = d.Skip()
		}
		return err
	})
	hex, ok := strings.CutPrefix(digest, string(manifest.SHA256)+":")
	f.Digest = manifest.Digest{Algorithm: manifest.SHA256, Hex: hex}
	switch {
	case err != nil:
		return f, err
	case f.Path == "":
		return f, d.Errorf("has no %s, so it is unknown what file it is", ociTitle)
	case !ok:
		return f, d.Errorf("digest: %.80q is not SHA-256", digest)
	case !size:
		return f, d.Errorf("size is missing")
	}
	return f, nil
}

func readTitle(d *strictjson.Decoder) (title string, err error) {
	err = d.Object(func(name string) error {
		value, err := d.String()
		switch {
		case err != nil:
			return err
		case name == ociTitle:
			title = value
		case name == ociUnpack && value != "false":
			return d.Errorf("the layer is an archive, not a file")
		}
		return nil
	})
	return title, err
}
