package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/modelsigning/modelsigning/bundle/provenance"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/internal/pypackages"
	"github.com/spf13/cobra"
)

// dependencyFlags say what else went into a build.
type dependencyFlags struct {
	datasets, baseModels           []string
	packages                       []string
	reports, freezes, requirements []string
	complete                       bool
}

func (f *dependencyFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.Var((*repeated)(&f.datasets), "dataset", "`WHAT` the model was trained with: a path, which is hashed as models are, or a URL that ends in #path=PATH or #sha256=HEX (repeatable)")
	flags.Var((*repeated)(&f.baseModels), "base-model", "`WHAT` it was trained from, written as --dataset (repeatable)")
	flags.Var((*repeated)(&f.packages), "package", "`PURL` of a package that was installed, such as pkg:pypi/torch@2.5.1 (repeatable)")
	flags.Var((*repeated)(&f.reports), "pip-report", "packages that pip install --report has written to this `FILE` (repeatable)")
	flags.Var((*repeated)(&f.freezes), "pip-freeze", "packages that pip freeze has written to this `FILE`, which are all that were installed (repeatable)")
	flags.Var((*repeated)(&f.requirements), "requirements", "packages of this requirements `FILE` (repeatable)")
	flags.BoolVar(&f.complete, "packages-complete", false, "no other package was installed, as in a new environment that one run of pip has filled")
}

// read adds the packages.
func (f *dependencyFlags) read(b *provenance.Build) error {
	b.Dependencies = nil
	for _, text := range f.packages {
		b.Dependencies = append(b.Dependencies, provenance.Descriptor{Kind: provenance.Package, URI: text})
	}
	whole := 0 // outputs of pip freeze that name every package
	for _, files := range []struct {
		names []string
		parse func([]byte) (pypackages.List, error)
	}{
		{f.reports, pypackages.ParseReport}, {f.freezes, pypackages.ParseFreeze}, {f.requirements, pypackages.ParseRequirements},
	} {
		for _, name := range files.names {
			data, err := readLimited(name, pypackages.MaxSize)
			if err != nil {
				return err
			}
			list, err := files.parse(data)
			if err != nil {
				return usageError{fmt.Errorf("%s: %w", name, err)}
			}
			if list.Coverage == pypackages.Environment {
				whole++
			}
			b.Dependencies = append(b.Dependencies, descriptors(list)...)
		}
	}
	b.PackagesComplete = f.complete || len(f.freezes) > 0 && whole == len(f.freezes)
	b.Dependencies = distinct(b.Dependencies)
	if b.PackagesComplete && len(b.Dependencies) == 0 {
		return usageError{fmt.Errorf("--packages-complete: there is no list of packages")}
	}
	return nil
}

func descriptors(list pypackages.List) (all []provenance.Descriptor) {
	for _, p := range list.Packages {
		all = append(all, provenance.Descriptor{Kind: provenance.Package, Name: p.Name, URI: p.PURL, Digest: p.Digests, DownloadLocation: p.URL})
	}
	return all
}

// distinct keeps one of the descriptors of a package, the one that says most.
func distinct(all []provenance.Descriptor) (kept []provenance.Descriptor) {
	at := make(map[string]int)
	for _, d := range all {
		i, twice := at[d.URI]
		switch {
		case !twice:
			at[d.URI] = len(kept)
			kept = append(kept, d)
		case len(d.Digest) > len(kept[i].Digest):
			kept[i] = d
		}
	}
	return kept
}

// A location is a dataset or a base model, and where on this machine it lies.
type location struct {
	provenance.Descriptor
	path string // empty: only the descriptor is known
}

// locate reads which data and base models there are, and sees that they and the model are there, since hashing the first
// of them may take hours.
func (f *dependencyFlags) locate(model string) (all []location, err error) {
	for _, list := range []struct {
		flag  string
		kind  provenance.Kind
		texts []string
	}{{"dataset", provenance.Dataset, f.datasets}, {"base-model", provenance.BaseModel, f.baseModels}} {
		for _, text := range list.texts {
			d, path, err := parseDependency(list.kind, text)
			if err != nil {
				return nil, usageError{fmt.Errorf("--%s: %w", list.flag, err)}
			}
			if path != "" {
				if _, err := os.Stat(path); err != nil {
					return nil, fmt.Errorf("--%s: %w", list.flag, err)
				}
			}
			all = append(all, location{d, path})
		}
	}
	if _, err := os.Stat(model); err != nil {
		return nil, fmt.Errorf("provenance of %s: %w", model, err)
	}
	return all, nil
}

// hash adds data and base models, and hashes those that lie on this machine.
func hash(ctx context.Context, b *provenance.Build, all []location) error {
	for _, l := range all {
		d := l.Descriptor
		if l.path != "" {
			m, err := hashing.Config().HashContext(ctx, l.path)
			if err != nil {
				return err
			}
			d = provenance.Describe(d.Kind, d.URI, m)
		}
		b.Dependencies = append(b.Dependencies, d)
	}
	return nil
}

// parseDependency reads PATH, URL, URL#path=PATH or URL#sha256=HEX.
func parseDependency(k provenance.Kind, text string) (d provenance.Descriptor, path string, err error) {
	d.Kind = k
	uri, fragment, _ := strings.Cut(text, "#")
	if u, err := url.Parse(uri); err != nil || !strings.Contains(uri, "://") || u.Scheme == "" {
		return d, text, nil
	}
	d.URI = uri
	how, value, ok := strings.Cut(fragment, "=")
	switch {
	case fragment == "":
	case ok && how == "path" && value != "":
		path = value
	case ok && how == "sha256":
		d.Digest = map[string]string{"sha256": value}
	default:
		return d, "", fmt.Errorf("#%s is neither #path=PATH nor #sha256=HEX", fragment)
	}
	check := provenance.Build{Builder: provenance.Builder{ID: "https://example.com"}, Dependencies: []provenance.Descriptor{d}}
	return d, path, provenance.Check(check)
}

// readLimited reads a file, or what comes through a pipe. Its size is not what the file system says of it: devices have none.
func readLimited(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = usageError{fmt.Errorf("%s: has more than the limit of %d bytes", name, limit)}
	}
	return data, err
}
