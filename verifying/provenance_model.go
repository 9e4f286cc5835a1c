package verifying

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/bundle/provenance"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/internal/inside"
	"github.com/modelsigning/modelsigning/manifest"
)

// listed returns the manifest that another builder's subjects make: each is a file.
func listed(subjects []provenance.Subject) (*manifest.Manifest, error) {
	m := &manifest.Manifest{Serialization: manifest.Serialization{
		Method: manifest.Files, Algorithm: manifest.SHA256, IgnorePaths: []string{}, // none, git's own neither
	}}
	for i, s := range subjects {
		if s.Digest["sha256"] == "" {
			return nil, fmt.Errorf("%w: provenance: subject[%d]: has no sha256", bundle.ErrMalformed, i)
		}
		m.Resources = append(m.Resources, manifest.Resource{
			Path:   strings.TrimPrefix(s.Name, "./"),
			Digest: manifest.Digest{Algorithm: manifest.SHA256, Hex: s.Digest["sha256"]},
		})
	}
	err := m.Validate()
	if err == nil && m.SingleFile() {
		err = errors.New(`"." does not name a file`)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: provenance: subject: %w", bundle.ErrMalformed, err)
	}
	m.Sort()
	return m, nil
}

// reports remembers how a model was hashed last, since most bundles of one file say the same way.
type reports struct {
	by     manifest.Serialization
	git    []string // of gitPaths
	report *hashing.Report
}

// compareProvenance hashes the model as the provenance says and compares.
func (c Configuration) compareProvenance(ctx context.Context, p *Provenance, model, attestation string, policy ProvenancePolicy, cache *reports) error {
	c.only, c.mayLack = nil, policy.Partial
	info, err := os.Stat(model)
	if err != nil {
		return err
	}
	if policy.IgnoreNames && info.IsDir() {
		return errors.New("provenance policy: IgnoreNames is for a model that is a file, and this one is a directory")
	}
	git := gitPaths(p.Manifest)
	if cache.report == nil || c.ignoreUnsigned || !reflect.DeepEqual(cache.by, p.Manifest.Serialization) || !slices.Equal(cache.git, git) {
		report, err := c.reportFor(ctx, p.Manifest, model, attestation, info.IsDir())
		if err != nil {
			return err
		}
		*cache = reports{p.Manifest.Serialization, git, report}
	}
	if policy.IgnoreNames {
		return p.compareContent(cache.report, model)
	}
	r := &Result{Manifest: p.Manifest}
	if err := c.compareReport(r, cache.report, model); err != nil {
		return err
	}
	p.Ignored, p.Unsigned, p.Unread, p.Absent = r.Ignored, r.Unsigned, r.Unread, r.absent
	return nil
}

func (c Configuration) reportFor(ctx context.Context, m *manifest.Manifest, model, attestation string, dir bool) (*hashing.Report, error) {
	h, err := c.hashingFor(m, dir)
	if err != nil {
		return nil, err
	}
	if dir {
		own, err := inside.Paths(model, attestation)
		if err != nil {
			return nil, err
		}
		h = h.AddIgnoredPaths(own...)
	}
	return h.Report(ctx, model)
}

// compareContent looks for a file that has the content of the model, whatever its name.
func (p *Provenance) compareContent(report *hashing.Report, model string) error {
	got := report.Manifest.Resources
	found := len(got) == 1 && got[0].End == 0 && slices.ContainsFunc(p.Manifest.Resources, func(r manifest.Resource) bool {
		return r.End == 0 && r.Digest == got[0].Digest
	})
	if found {
		p.Unread = report.Unread
		return nil
	}
	diff := manifest.Diff{}
	for _, r := range got {
		diff.Extra = append(diff.Extra, r.Name())
	}
	return &MismatchError{Model: model, Diff: diff}
}

// missing moves to the result those of the missing resources whose files are not there at all. What remains is a part of
// a file that is there, or everything.
// Files without bytes have no resources, and are there.
func (c Configuration) missing(r *Result, got *manifest.Manifest, empty, missing []string) (parts []string) {
	if len(got.Resources) == 0 {
		return missing
	}
	there := append(paths(got), empty...)
	slices.Sort(there)
	parts, r.absent = split(missing, r.Manifest.Serialization.Method, there)
	return parts
}
