package bundle

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/modelsigning/modelsigning/internal/strictjson"
	"github.com/modelsigning/modelsigning/manifest"
)

const (
	statementType = "https://in-toto.io/Statement/v1"
	predicateV1   = "https://model_signing/signature/v1.0"
	predicateV02  = "https://model_signing/Digests/v0.1" // of release 0.2.0
)

// ParseStatement reads the manifest from a statement. Give it what a verifier returned: the bytes whose
// signature was checked. The manifest is well-formed as [manifest.Manifest.Validate] has it, and the root
// digest of the statement's subject is that of its resources. Errors wrap [ErrMalformed].
func ParseStatement(data []byte) (*manifest.Manifest, error) {
	m, err := parseStatement(data)
	if err != nil {
		return nil, fmt.Errorf("%w: statement: %w", ErrMalformed, err)
	}
	return m, nil
}

func parseStatement(data []byte) (*manifest.Manifest, error) {
	kind, err := predicateType(data)
	if err != nil {
		return nil, err
	}
	var s statement
	s.old = kind == predicateV02
	if err := strictjson.Decode(data, s.read); err != nil {
		return nil, err
	}
	if s.old {
		return s.manifestV02()
	}
	return s.manifest()
}

// predicateType reads the one member that says how to read the others, wherever in the statement it is.
func predicateType(data []byte) (kind string, err error) {
	err = strictjson.Decode(data, func(d *strictjson.Decoder) error {
		return d.Object(func(name string) (err error) {
			if name != "predicateType" {
				return d.Skip()
			}
			if kind, err = token(d); err == nil && kind != predicateV1 && kind != predicateV02 {
				err = d.Errorf("%.80q is not a model signature", kind)
			}
			return err
		})
	})
	if err == nil && kind == "" {
		err = fmt.Errorf("predicateType is missing")
	}
	return kind, err
}

// A statement is what a payload says, before it is compared with itself.
type statement struct {
	old           bool
	typ           string
	subjects      []subject
	hasPredicate  bool
	serialization *manifest.Serialization
	resources     []manifest.Resource // names still in Path, range included
}

type subject struct{ name, sha256 string }

func (s *statement) read(d *strictjson.Decoder) error {
	err := d.Object(func(name string) (err error) {
		switch name {
		case "_type":
			if s.typ, err = token(d); err == nil && s.typ != statementType {
				err = d.Errorf("is %.80q, not %q", s.typ, statementType)
			}
		case "subject":
			err = d.Array(func(i int) error {
				if i > 0 && !s.old {
					return d.Errorf("is a second subject; exactly one is allowed")
				}
				return s.readSubject(d)
			})
		case "predicateType":
			err = d.Skip()
		case "predicate":
			if s.hasPredicate = true; s.old {
				return d.Skip()
			}
			err = s.readPredicate(d)
		default:
			err = d.Unknown()
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case s.typ == "":
		return d.Errorf("_type is missing")
	case len(s.subjects) == 0:
		return d.Errorf("subject: there is none")
	case !s.hasPredicate:
		return d.Errorf("predicate is missing")
	}
	return nil
}

func (s *statement) readSubject(d *strictjson.Decoder) error {
	var sub subject
	err := d.Object(func(name string) (err error) {
		switch name {
		case "name":
			sub.name, err = d.String()
		case "digest":
			err = d.Object(func(algorithm string) (err error) {
				if algorithm != "sha256" {
					return d.Skip()
				}
				sub.sha256, err = d.String()
				return err
			})
		default:
			err = d.Skip() // in-toto's resource descriptors are open
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case sub.name == "":
		return d.Errorf("name is missing")
	case sub.sha256 == "":
		return d.Errorf("digest: sha256 is missing")
	}
	s.subjects = append(s.subjects, sub)
	return nil
}

// manifest gives the parts the meaning they have together, and checks it.
func (s *statement) manifest() (*manifest.Manifest, error) {
	m := &manifest.Manifest{Name: s.subjects[0].name, Serialization: *s.serialization, Resources: s.resources}
	shardSize := strconv.FormatInt(m.Serialization.ShardSize, 10)
	for i := range m.Resources {
		r := &m.Resources[i]
		named, err := manifest.ParseName(r.Path, m.Serialization.Method)
		if err != nil {
			return nil, fmt.Errorf("predicate.resources[%d].name: %w", i, err)
		}
		named.Digest = manifest.Digest{Algorithm: s.algorithm(r.Digest.Algorithm, shardSize), Hex: r.Digest.Hex}
		*r = named
	}
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("predicate.%w", err)
	}
	if root := m.Root().Hex; root != s.subjects[0].sha256 {
		return nil, fmt.Errorf("subject[0].digest.sha256: is %.64q, but the resources have the root digest %s",
			s.subjects[0].sha256, root)
	}
	return m, nil
}

// algorithm returns the algorithm that a resource's algorithm means. The reference calls that of a shard
// "sha256-sharded-N" where N is the shard size.
func (s *statement) algorithm(name manifest.Algorithm, shardSize string) manifest.Algorithm {
	if s.serialization.Method == manifest.Shards {
		if base, ok := strings.CutSuffix(string(name), "-sharded-"+shardSize); ok {
			name = manifest.Algorithm(base)
		}
	}
	return canonical(name)
}

func canonical(a manifest.Algorithm) manifest.Algorithm {
	for _, known := range []manifest.Algorithm{manifest.SHA256, manifest.BLAKE2b, manifest.BLAKE3} {
		if a == known {
			return known
		}
	}
	if a == "blake2" {
		return manifest.BLAKE2b
	}
	return a
}

// manifestV02 reads a statement of release 0.2.0: each subject is a file, hashed with SHA-256, and symbolic
// links were not followed.
func (s *statement) manifestV02() (*manifest.Manifest, error) {
	m := &manifest.Manifest{
		Serialization: manifest.Serialization{Method: manifest.Files, Algorithm: manifest.SHA256},
		Resources:     make([]manifest.Resource, len(s.subjects)),
	}
	for i, sub := range s.subjects {
		m.Resources[i] = manifest.Resource{
			Path:   sub.name,
			Digest: manifest.Digest{Algorithm: manifest.SHA256, Hex: sub.sha256},
		}
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return m, nil
}
