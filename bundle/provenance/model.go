package provenance

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/strictjson"
	"github.com/modelsigning/modelsigning/manifest"
)

// A byproduct is the model, as runDetails has it.
type byproduct struct {
	model     Subject
	predicate []byte // of OMS, in the document
}

func (p *parser) modelByproduct(d *strictjson.Decoder) error {
	b := new(byproduct)
	p.byproduct = b
	err := d.Object(func(name string) (err error) {
		switch name {
		case "name":
			b.model.Name, err = d.String()
		case "digest":
			b.model.Digest, err = p.digest(d)
		case "annotations":
			err = d.Object(func(name string) (err error) {
				if name != omsPredicate {
					return d.Unknown()
				}
				b.predicate, err = d.Raw()
				return err
			})
		default:
			err = d.Unknown()
		}
		return err
	})
	if err == nil && b.predicate == nil {
		err = d.Errorf("annotations: %s is missing", omsPredicate)
	}
	return err
}

// checkModel reads the manifest from the byproduct, and sees that all that the statement says of the model is the same.
func (p *parser) checkModel() error {
	if p.byproduct == nil {
		return errors.New("predicate.runDetails.byproducts: the model is missing")
	}
	m, err := parseManifest(p.byproduct)
	if err != nil {
		return fmt.Errorf("predicate.runDetails.byproducts[0]: %w", err)
	}
	if m.SingleFile() {
		return errors.New(`predicate.runDetails.byproducts[0]: "." does not name a file`)
	}
	want, got := subjects(m), p.statement.Subjects
	if !maps.Equal(p.byproduct.model.Digest, want[0].Digest) {
		return fmt.Errorf("predicate.runDetails.byproducts[0].digest: is not that of the resources")
	}
	if len(got) != len(want) {
		return fmt.Errorf("subject: there are %d, and the resources make %d", len(got), len(want))
	}
	for i := range want {
		if got[i].Name != want[i].Name || !maps.Equal(got[i].Digest, want[i].Digest) {
			return fmt.Errorf("subject[%d]: is not what the resources say", i)
		}
	}
	p.statement.Manifest = m
	return p.checkSource()
}

// parseManifest reads the predicate of an OMS statement by making that statement.
func parseManifest(b *byproduct) (*manifest.Manifest, error) {
	name, _ := json.Marshal(b.model.Name) // a string can't fail
	root, _ := json.Marshal(b.model.Digest["sha256"])
	statement := make([]byte, 0, len(b.predicate)+len(name)+256)
	statement = fmt.Appendf(statement, `{"_type":%q,"subject":[{"name":%s,"digest":{"sha256":%s}}],"predicateType":%q,"predicate":`,
		statementV1, name, root, omsPredicate)
	statement = append(append(statement, b.predicate...), '}')
	return bundle.ParseStatement(statement)
}

// checkSource sees that the source is one dependency, with the reference that the parameters have, and takes the commit
// from there.
func (p *parser) checkSource() error {
	s := &p.statement.Build.Source
	found := false
	for _, c := range p.commits {
		switch {
		case !c.source:
			continue
		case found:
			return errors.New("predicate.buildDefinition.resolvedDependencies: there are two sources")
		case c.uri != s.URI || c.ref != s.Ref:
			return errors.New("predicate.buildDefinition.resolvedDependencies: the source is not that of externalParameters")
		}
		found = true
		s.Commit = c.hash
	}
	if !found && s.URI != "" {
		return errors.New("predicate.buildDefinition.resolvedDependencies: the source is missing")
	}
	if err := p.statement.Build.check(); err != nil {
		return fmt.Errorf("predicate: %w", err)
	}
	return nil
}
