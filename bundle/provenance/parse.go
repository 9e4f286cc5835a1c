package provenance

import (
	"fmt"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/strictjson"
)

const (
	maxMembers = 256 // of an object in statements of other builders, who put whole events of GitHub into them
	maxDigests = 32  // of one subject or dependency, as Sigstore's tools have it
)

// Parse reads a statement. Give it what a verifier returned: the bytes whose signature was checked. Errors wrap
// [bundle.ErrMalformed] and name the member.
func Parse(statement []byte) (*Statement, error) {
	s, err := parse(statement)
	if err != nil {
		return nil, fmt.Errorf("%w: provenance: %w", bundle.ErrMalformed, err)
	}
	return s, nil
}

func parse(data []byte) (*Statement, error) {
	h, err := readHead(data)
	if err != nil {
		return nil, err
	}
	if h.own() {
		p := &parser{statement: &Statement{PredicateType: h.predicateType, BuildType: h.buildType}}
		if err := strictjson.Decode(data, p.document); err != nil {
			return nil, err
		}
		return p.statement, p.checkModel()
	}
	if len(data) > MaxForeign {
		return nil, fmt.Errorf("has %d bytes, more than the limit of %d for other builders", len(data), MaxForeign)
	}
	p := &parser{open: true, statement: &Statement{PredicateType: h.predicateType, BuildType: h.buildType}}
	err = strictjson.Decode(data, func(d *strictjson.Decoder) error {
		d.AllowMembers(maxMembers)
		return p.document(d)
	})
	return p.statement, err
}

// A head says how to read the rest, wherever in the statement it stands.
type head struct{ statementType, predicateType, buildType string }

func (h head) own() bool { return h.predicateType == PredicateType && h.buildType == BuildType }

func readHead(data []byte) (h head, err error) {
	v02 := ""
	err = strictjson.Decode(data, func(d *strictjson.Decoder) error {
		if len(data) <= MaxForeign {
			d.AllowMembers(maxMembers)
		}
		return d.Object(func(name string) (err error) {
			switch name {
			case "_type":
				h.statementType, err = d.String()
			case "predicateType":
				h.predicateType, err = d.String()
			case "predicate":
				v02, h.buildType, err = readBuildTypes(d)
			default:
				err = d.Skip()
			}
			return err
		})
	})
	if h.predicateType == PredicateTypeV02 {
		h.buildType = v02
	}
	switch {
	case err != nil:
		return h, err
	case h.statementType != statementV1 && h.statementType != statementV01:
		return h, fmt.Errorf("_type: %.80q is no statement of in-toto", h.statementType)
	case h.predicateType != PredicateType && h.predicateType != PredicateTypeV02:
		return h, fmt.Errorf("predicateType: %.80q is not SLSA provenance v0.2 or v1", h.predicateType)
	case h.buildType == "":
		return h, fmt.Errorf("predicate: there is no buildType")
	case h.own() && h.statementType != statementV1:
		return h, fmt.Errorf("_type: is %.80q, not %q", h.statementType, statementV1)
	}
	return h, nil
}

// readBuildTypes reads the build type where each version of the predicate has it: v0.2 by itself, v1 in buildDefinition.
func readBuildTypes(d *strictjson.Decoder) (v02, v1 string, err error) {
	err = d.Object(func(name string) (err error) {
		switch name {
		case "buildType":
			v02, err = d.String()
		case "buildDefinition":
			err = d.Object(func(name string) (err error) {
				if name != "buildType" {
					return d.Skip()
				}
				v1, err = d.String()
				return err
			})
		default:
			err = d.Skip()
		}
		return err
	})
	return v02, v1, err
}

// A parser reads one statement. If it is open, what it does not know is passed over, and null stands for what is not
// there.
type parser struct {
	open      bool
	statement *Statement
	byproduct *byproduct
	commits   []commit // of dependencies that are repositories
}

// A commit is what a dependency says of a repository.
type commit struct {
	uri, ref, hash string
	source         bool // it is marked as the source
}

func (p *parser) object(d *strictjson.Decoder, member func(name string) error) error {
	return d.Object(func(name string) error {
		if p.open && d.Null() {
			return nil
		}
		return member(name)
	})
}

func (p *parser) array(d *strictjson.Decoder, limit int, element func() error) error {
	return d.Array(func(i int) error {
		if i == limit {
			return d.Errorf("is one more than the limit of %d", limit)
		}
		return element()
	})
}

// other is for members that are not known.
func (p *parser) other(d *strictjson.Decoder) error {
	if p.open {
		return d.Skip()
	}
	return d.Unknown()
}

func (p *parser) document(d *strictjson.Decoder) error {
	predicate := p.predicateV1
	if p.statement.PredicateType == PredicateTypeV02 {
		predicate = p.predicateV02
	}
	err := p.object(d, func(name string) error {
		switch name {
		case "_type", "predicateType":
			return d.Skip() // it was read as the head
		case "subject":
			return p.array(d, MaxSubjects, func() error { return p.subject(d) })
		case "predicate":
			return predicate(d)
		}
		return p.other(d)
	})
	switch {
	case err != nil:
		return err
	case len(p.statement.Subjects) == 0:
		return d.Errorf("subject: there is none")
	case p.statement.Build.Builder.ID == "":
		return d.Errorf("predicate: there is no builder.id")
	}
	if p.open {
		return p.foreign(d)
	}
	return nil
}

func (p *parser) subject(d *strictjson.Decoder) error {
	var s Subject
	err := p.object(d, func(name string) (err error) {
		switch name {
		case "name":
			s.Name, err = d.String()
		case "digest":
			s.Digest, err = p.digest(d)
		default:
			err = p.other(d)
		}
		return err
	})
	if err == nil && len(s.Digest) == 0 {
		err = d.Errorf("digest is missing")
	}
	p.statement.Subjects = append(p.statement.Subjects, s)
	return err
}

func (p *parser) digest(d *strictjson.Decoder) (map[string]string, error) {
	digests, err := p.strings(d, maxDigests)
	if err == nil && !p.open {
		if err := checkDigests(digests); err != nil {
			return nil, d.Errorf("%v", err)
		}
	}
	return digests, err
}

// strings reads an object whose members are strings.
func (p *parser) strings(d *strictjson.Decoder, limit int) (map[string]string, error) {
	m := make(map[string]string)
	err := p.object(d, func(name string) (err error) {
		if len(m) == limit {
			return d.Errorf("is one more than the limit of %d", limit)
		}
		m[name], err = d.String()
		return err
	})
	return m, err
}
