package provenance

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/strictjson"
	"github.com/modelsigning/modelsigning/manifest"
)

const (
	statementV1  = "https://in-toto.io/Statement/v1"
	statementV01 = "https://in-toto.io/Statement/v0.1"
	omsPredicate = "https://model_signing/signature/v1.0"
)

// Marshal returns the statement that says of a model how it was built: JSON without white space, its members in a
// fixed order. The same arguments always give the same bytes. It refuses a manifest that [bundle.MarshalStatement]
// refuses, and a build without a builder, with a malformed URI, digest or reference, or with credentials in a URI.
func Marshal(m *manifest.Manifest, b Build) ([]byte, error) {
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("provenance: %w", err)
	}
	statement, err := marshal(m, b)
	if err != nil {
		return nil, fmt.Errorf("provenance: %w", err)
	}
	// What nobody could read must not be signed.
	if _, err := Parse(statement); err != nil {
		return nil, fmt.Errorf("provenance can't be written: %w", err)
	}
	return statement, nil
}

func marshal(m *manifest.Manifest, b Build) ([]byte, error) {
	predicate, err := marshalManifest(m)
	if err != nil {
		return nil, err
	}
	list := subjects(m)
	var out []byte
	text := func(s string) { out = append(out, s...) }
	value := func(v any) {
		if err == nil {
			var data []byte
			data, err = json.Marshal(v)
			out = append(out, data...)
		}
	}
	text(`{"_type":"` + statementV1 + `","subject":`)
	value(jsonSubjects(list))
	text(`,"predicateType":"` + PredicateType + `","predicate":{"buildDefinition":`)
	value(b.definition())
	text(`,"runDetails":{"builder":`)
	value(jsonBuilder{b.Builder.ID, b.Builder.Version})
	text(`,"metadata":`)
	value(jsonMetadata{b.InvocationID, formatTime(b.StartedOn), formatTime(b.FinishedOn)})
	text(`,"byproducts":[{"name":`)
	value(m.Name)
	text(`,"digest":`)
	value(list[0].Digest)
	text(`,"annotations":{"` + omsPredicate + `":`)
	out = append(out, predicate...)
	text(`}}]}}}`)
	return out, err
}

// marshalManifest returns the predicate of the model's OMS statement.
func marshalManifest(m *manifest.Manifest) (predicate []byte, err error) {
	statement, err := bundle.MarshalStatement(m)
	if err != nil {
		return nil, err
	}
	err = strictjson.Decode(statement, func(d *strictjson.Decoder) error {
		return d.Object(func(name string) (err error) {
			if name != "predicate" {
				return d.Skip()
			}
			predicate, err = d.Raw()
			return err
		})
	})
	return predicate, err
}

type jsonSubject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

func jsonSubjects(list []Subject) []jsonSubject {
	out := make([]jsonSubject, len(list))
	for i, s := range list {
		out[i] = jsonSubject(s)
	}
	return out
}

type jsonDefinition struct {
	BuildType          string           `json:"buildType"`
	ExternalParameters jsonExternal     `json:"externalParameters"`
	InternalParameters jsonInternal     `json:"internalParameters"`
	Dependencies       []jsonDescriptor `json:"resolvedDependencies,omitempty"`
}

type jsonExternal struct {
	Source     *jsonSource       `json:"source,omitempty"`
	EntryPoint string            `json:"entryPoint,omitempty"`
	Inputs     map[string]string `json:"inputs,omitempty"`
}

type jsonSource struct {
	URI string `json:"uri"`
	Ref string `json:"ref,omitempty"`
}

type jsonInternal struct {
	Trigger          string `json:"trigger,omitempty"`
	PackagesComplete bool   `json:"packagesComplete"`
}

type jsonDescriptor struct {
	Name             string            `json:"name,omitempty"`
	URI              string            `json:"uri,omitempty"`
	Digest           map[string]string `json:"digest,omitempty"`
	DownloadLocation string            `json:"downloadLocation,omitempty"`
	MediaType        string            `json:"mediaType,omitempty"`
	Annotations      *jsonAnnotations  `json:"annotations,omitempty"`
}

type jsonAnnotations struct {
	Kind       Kind `json:"kind,omitempty"`
	RootDigest bool `json:"rootDigest,omitempty"`
}

type jsonBuilder struct {
	ID      string            `json:"id"`
	Version map[string]string `json:"version,omitempty"`
}

type jsonMetadata struct {
	InvocationID string `json:"invocationId,omitempty"`
	StartedOn    string `json:"startedOn,omitempty"`
	FinishedOn   string `json:"finishedOn,omitempty"`
}

func (b Build) definition() jsonDefinition {
	def := jsonDefinition{
		BuildType:          BuildType,
		ExternalParameters: jsonExternal{EntryPoint: b.EntryPoint, Inputs: b.Inputs},
		InternalParameters: jsonInternal{b.Trigger, b.PackagesComplete},
	}
	if s := b.Source; s.URI != "" {
		def.ExternalParameters.Source = &jsonSource{"git+" + s.URI, s.Ref}
		from := jsonDescriptor{URI: "git+" + s.URI, Annotations: &jsonAnnotations{Kind: source}}
		if s.Ref != "" {
			from.URI += "@" + s.Ref
		}
		if s.Commit != "" {
			from.Digest = map[string]string{"gitCommit": s.Commit}
		}
		def.Dependencies = append(def.Dependencies, from)
	}
	for _, d := range b.Dependencies {
		j := jsonDescriptor{Name: d.Name, URI: d.URI, Digest: d.Digest, DownloadLocation: d.DownloadLocation, MediaType: d.MediaType}
		if d.Kind != "" || d.RootDigest {
			j.Annotations = &jsonAnnotations{d.Kind, d.RootDigest}
		}
		def.Dependencies = append(def.Dependencies, j)
	}
	return def
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
