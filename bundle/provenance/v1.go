package provenance

import (
	"strings"
	"time"

	"github.com/modelsigning/modelsigning/internal/strictjson"
)

// predicateV1 reads https://slsa.dev/spec/v1.1/provenance.
func (p *parser) predicateV1(d *strictjson.Decoder) error {
	return p.object(d, func(name string) error {
		switch name {
		case "buildDefinition":
			return p.definition(d)
		case "runDetails":
			return p.runDetails(d)
		}
		return p.other(d)
	})
}

func (p *parser) definition(d *strictjson.Decoder) error {
	return p.object(d, func(name string) error {
		switch name {
		case "buildType":
			return d.Skip()
		case "externalParameters":
			switch {
			case !p.open:
				return p.external(d)
			case workflowTypes[p.statement.BuildType]:
				return p.workflowParameters(d)
			}
			return d.Skip()
		case "internalParameters":
			if p.open {
				return p.internalOfOthers(d)
			}
			return p.internal(d)
		case "resolvedDependencies":
			return p.array(d, MaxDependencies, func() error { return p.dependency(d) })
		}
		return p.other(d)
	})
}

func (p *parser) external(d *strictjson.Decoder) error {
	b := &p.statement.Build
	return d.Object(func(name string) (err error) {
		switch name {
		case "source":
			return d.Object(func(name string) (err error) {
				switch name {
				case "uri":
					var uri string
					uri, err = d.String()
					b.Source.URI = strings.TrimPrefix(uri, "git+")
					if err == nil && b.Source.URI == uri {
						err = d.Errorf("%.200q does not begin with git+", uri)
					}
				case "ref":
					b.Source.Ref, err = d.String()
				default:
					err = d.Unknown()
				}
				return err
			})
		case "entryPoint":
			b.EntryPoint, err = d.String()
		case "inputs":
			b.Inputs, err = p.strings(d, MaxInputs)
		default:
			err = d.Unknown()
		}
		return err
	})
}

func (p *parser) internal(d *strictjson.Decoder) error {
	return d.Object(func(name string) (err error) {
		switch name {
		case "trigger":
			p.statement.Build.Trigger, err = d.String()
		case "packagesComplete":
			p.statement.Build.PackagesComplete, err = d.Bool()
		default:
			err = d.Unknown()
		}
		return err
	})
}

func (p *parser) runDetails(d *strictjson.Decoder) error {
	b := &p.statement.Build
	return p.object(d, func(name string) error {
		switch name {
		case "builder":
			return p.object(d, func(name string) (err error) {
				switch name {
				case "id":
					b.Builder.ID, err = d.String()
				case "version":
					b.Builder.Version, err = p.strings(d, MaxInputs)
				default:
					err = p.other(d)
				}
				return err
			})
		case "metadata":
			return p.metadata(d)
		case "byproducts":
			if p.open {
				return d.Skip()
			}
			return p.array(d, 1, func() error { return p.modelByproduct(d) })
		}
		return p.other(d)
	})
}

func (p *parser) metadata(d *strictjson.Decoder) error {
	b := &p.statement.Build
	return p.object(d, func(name string) (err error) {
		switch name {
		case "invocationId":
			b.InvocationID, err = d.String()
		case "startedOn":
			b.StartedOn, err = p.time(d)
		case "finishedOn":
			b.FinishedOn, err = p.time(d)
		default:
			err = p.other(d)
		}
		return err
	})
}

// time reads a time. One of another builder that is not of RFC 3339 counts as none.
func (p *parser) time(d *strictjson.Decoder) (time.Time, error) {
	text, err := d.String()
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339, text)
	switch {
	case err != nil && p.open:
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, d.Errorf("%.40q is not a time of RFC 3339", text)
	}
	return t.UTC(), nil
}

func (p *parser) dependency(d *strictjson.Decoder) error {
	var dep Descriptor
	err := p.object(d, func(name string) (err error) {
		switch name {
		case "name":
			dep.Name, err = d.String()
		case "uri":
			dep.URI, err = d.String()
		case "digest":
			dep.Digest, err = p.digest(d)
		case "downloadLocation":
			dep.DownloadLocation, err = d.String()
		case "mediaType":
			dep.MediaType, err = d.String()
		case "annotations":
			if p.open {
				return d.Skip()
			}
			err = p.annotations(d, &dep)
		default:
			err = p.other(d)
		}
		return err
	})
	if err != nil {
		return err
	}
	return p.addDependency(d, dep)
}

func (p *parser) annotations(d *strictjson.Decoder, dep *Descriptor) error {
	return d.Object(func(name string) (err error) {
		switch name {
		case "kind":
			var kind string
			kind, err = d.String()
			dep.Kind = Kind(kind)
		case "rootDigest":
			dep.RootDigest, err = d.Bool()
		default:
			err = d.Unknown()
		}
		return err
	})
}

// addDependency keeps a dependency; the source is kept as such.
func (p *parser) addDependency(d *strictjson.Decoder, dep Descriptor) error {
	b := &p.statement.Build
	uri, ref := splitSource(dep.URI)
	hash := dep.Digest["gitCommit"]
	if hash == "" && p.open {
		hash = dep.Digest["sha1"]
	}
	isSource := dep.Kind == source
	if hash != "" || isSource {
		p.commits = append(p.commits, commit{uri, ref, hash, isSource})
	}
	if isSource {
		if dep.Name+dep.MediaType+dep.DownloadLocation != "" || dep.RootDigest || len(dep.Digest) > 1 || len(dep.Digest) == 1 && hash == "" {
			return d.Errorf("is a source with more than uri, gitCommit and kind")
		}
		return nil
	}
	if !p.open {
		if err := dep.check(); err != nil {
			return d.Errorf("%v", err)
		}
	}
	b.Dependencies = append(b.Dependencies, dep)
	return nil
}
