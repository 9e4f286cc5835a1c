package provenance

import (
	"strings"

	"github.com/modelsigning/modelsigning/internal/strictjson"
)

// workflowTypes are build types of v1 whose external parameters have a workflow and its inputs.
var workflowTypes = map[string]bool{
	"https://actions.github.io/buildtypes/workflow/v1":                       true, // GitHub's artifact attestations
	"https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1": true,
}

// generatorType reports whether a build type of v0.2 has the environment of GitHub Actions: one of slsa-github-generator.
func generatorType(buildType string) bool {
	return strings.HasPrefix(buildType, "https://github.com/slsa-framework/slsa-github-generator/")
}

// workflowParameters reads {"workflow": {ref, repository, path}, "inputs": {…}}.
func (p *parser) workflowParameters(d *strictjson.Decoder) error {
	b := &p.statement.Build
	return p.object(d, func(name string) (err error) {
		switch name {
		case "workflow":
			return p.object(d, func(name string) (err error) {
				switch name {
				case "ref":
					b.Source.Ref, err = d.String()
				case "repository":
					b.Source.URI, err = d.String()
				case "path":
					b.EntryPoint, err = d.String()
				default:
					err = d.Skip()
				}
				return err
			})
		case "inputs":
			b.Inputs, err = p.inputs(d)
		default:
			err = d.Skip()
		}
		return err
	})
}

// internalOfOthers reads the event that GitHub's attestations have in {"github": {"event_name": …}}.
func (p *parser) internalOfOthers(d *strictjson.Decoder) error {
	if !workflowTypes[p.statement.BuildType] {
		return d.Skip()
	}
	return p.object(d, func(name string) error {
		if name != "github" {
			return d.Skip()
		}
		return p.object(d, func(name string) (err error) {
			if name != "event_name" {
				return d.Skip()
			}
			p.statement.Build.Trigger, err = d.String()
			return err
		})
	})
}

// predicateV02 reads https://slsa.dev/spec/v0.2/provenance.
func (p *parser) predicateV02(d *strictjson.Decoder) error {
	b := &p.statement.Build
	return p.object(d, func(name string) error {
		switch name {
		case "builder":
			return p.object(d, func(name string) (err error) {
				if name != "id" {
					return d.Skip()
				}
				b.Builder.ID, err = d.String()
				return err
			})
		case "invocation":
			return p.invocation(d)
		case "metadata":
			return p.metadataV02(d)
		case "materials":
			return p.array(d, MaxDependencies, func() error { return p.dependency(d) })
		}
		return d.Skip()
	})
}

func (p *parser) invocation(d *strictjson.Decoder) error {
	b := &p.statement.Build
	return p.object(d, func(name string) error {
		switch {
		case name == "configSource":
			return p.object(d, func(name string) (err error) {
				switch name {
				case "uri":
					var uri string
					uri, err = d.String()
					b.Source.URI, b.Source.Ref = splitSource(uri)
				case "digest":
					var digest map[string]string
					digest, err = p.digest(d)
					if b.Source.Commit = digest["gitCommit"]; b.Source.Commit == "" {
						b.Source.Commit = digest["sha1"]
					}
				case "entryPoint":
					b.EntryPoint, err = d.String()
				default:
					err = d.Skip()
				}
				return err
			})
		case name == "environment" && generatorType(p.statement.BuildType):
			return p.environment(d)
		}
		return d.Skip()
	})
}

// environment reads what slsa-github-generator records of the run: the event's name, and its inputs.
func (p *parser) environment(d *strictjson.Decoder) error {
	b := &p.statement.Build
	return p.object(d, func(name string) (err error) {
		switch name {
		case "github_event_name":
			b.Trigger, err = d.String()
		case "github_event_payload":
			err = p.object(d, func(name string) (err error) {
				if name != "inputs" {
					return d.Skip()
				}
				b.Inputs, err = p.inputs(d)
				return err
			})
		default:
			err = d.Skip()
		}
		return err
	})
}

func (p *parser) metadataV02(d *strictjson.Decoder) error {
	b := &p.statement.Build
	return p.object(d, func(name string) (err error) {
		switch name {
		case "buildInvocationId", "buildInvocationID":
			b.InvocationID, err = d.String()
		case "buildStartedOn":
			b.StartedOn, err = p.time(d)
		case "buildFinishedOn":
			b.FinishedOn, err = p.time(d)
		default:
			err = d.Skip()
		}
		return err
	})
}

// inputs reads the inputs of a workflow. Those that are not strings are kept as their JSON.
func (p *parser) inputs(d *strictjson.Decoder) (map[string]string, error) {
	m := make(map[string]string)
	err := p.object(d, func(name string) (err error) {
		raw, err := d.Peek(MaxForeign)
		if err != nil {
			return err
		}
		if raw[0] == '"' {
			m[name], err = d.String()
			return err
		}
		m[name] = string(raw)
		return d.Skip()
	})
	return m, err
}

// foreign puts together what another builder's statement has in two places.
func (p *parser) foreign(d *strictjson.Decoder) error {
	s := &p.statement.Build.Source
	if s.URI == "" {
		return nil
	}
	s.URI, _ = splitSource(s.URI)
	for _, c := range p.commits {
		if c.uri != s.URI || c.ref != s.Ref && c.ref != "" {
			continue
		}
		if s.Commit != "" && s.Commit != c.hash {
			return d.Errorf("predicate: the source is at the commit %.64q, and at %.64q", s.Commit, c.hash)
		}
		s.Commit = c.hash
	}
	return nil
}

// splitSource takes the URI of a git repository apart: git+https://github.com/example/finbert@refs/heads/main. One
// without a reference is returned without the prefix.
func splitSource(uri string) (repository, ref string) {
	uri = strings.TrimPrefix(uri, "git+")
	if at := strings.LastIndex(uri, "@refs/"); at >= 0 {
		return uri[:at], uri[at+1:]
	}
	return uri, ""
}
