// Package osv reads vulnerability records of the Open Source Vulnerability format and says which versions of Python
// packages they are about. See https://ossf.github.io/osv-schema/.
//
// Only packages of the ecosystem PyPI are read, and of their ranges those of the type ECOSYSTEM, whose versions PEP 440
// orders. What cannot be decided is said to be [Unknown]: ranges of commits without any others, and ranges of semantic
// versions.
package osv

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/modelsigning/modelsigning/internal/pep440"
	"github.com/modelsigning/modelsigning/internal/purl"
	"github.com/modelsigning/modelsigning/internal/strictjson"
)

const (
	MaxSize    = 16 << 20 // bytes of a record
	maxEntries = 1 << 16  // packages in it; events and versions of one package
)

// A Record is what a record says of Python packages. It must not be changed.
type Record struct {
	ID        string
	Withdrawn time.Time // zero if the record stands
	Affected  []Affected
}

// Affected says which versions of a package a record is about.
type Affected struct {
	Name      string // normal
	events    [][]event
	versions  map[string]bool // as they are written, and in their canonical form if they have one
	commits   bool            // there are ranges of commits, which others stand beside
	undecided bool            // there are ranges of versions that are not read
}

// A Status says whether a version is affected.
type Status int

const (
	Unknown Status = iota
	No
	Yes
)

// Parse reads a record. An error names the member.
func Parse(data []byte) (*Record, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("an OSV record of more than %d bytes", MaxSize)
	}
	r := new(Record)
	if err := strictjson.Decode(data, r.read); err != nil {
		return nil, fmt.Errorf("OSV record: %w", err)
	}
	return r, nil
}

func (r *Record) read(d *strictjson.Decoder) error {
	modified := ""
	err := d.Object(func(name string) (err error) {
		switch name {
		case "schema_version":
			version, err := d.String()
			if err == nil && !strings.HasPrefix(version, "1.") {
				err = d.Errorf("is %.20q, and only 1 is known", version)
			}
			return err
		case "id":
			r.ID, err = d.String()
			if err == nil && (r.ID == "" || len(r.ID) > 128 || strings.IndexFunc(r.ID, func(c rune) bool { return c <= ' ' || c >= 0x7f }) >= 0) {
				err = d.Errorf("is not an ID")
			}
		case "modified":
			modified, err = d.String()
		case "withdrawn":
			var text string
			if d.Null() {
				return nil
			}
			if text, err = d.String(); err != nil {
				return err
			}
			if r.Withdrawn, err = time.Parse(time.RFC3339, text); err != nil {
				return d.Errorf("is not a time of RFC 3339")
			}
		case "affected":
			return d.Array(func(i int) error { return r.affected(d, i) })
		default:
			return d.Skip()
		}
		return err
	})
	if err == nil && (r.ID == "" || modified == "") {
		err = d.Errorf("no member id, or none that is named modified")
	}
	return err
}

func (r *Record) affected(d *strictjson.Decoder, i int) error {
	if i == maxEntries {
		return d.Errorf("more than %d packages", maxEntries)
	}
	a := Affected{versions: map[string]bool{}}
	python := false
	// Versions of other ecosystems have other forms, and the package need not come first.
	var ranges, versions []byte
	err := d.Object(func(name string) (err error) {
		switch name {
		case "package":
			python, err = a.pkg(d)
			return err
		case "ranges":
			ranges, err = d.Raw()
			return err
		case "versions":
			versions, err = d.Raw()
			return err
		}
		return d.Skip()
	})
	if err != nil || !python {
		return err
	}
	if err := sub(d, "ranges", ranges, a.ranges); err != nil {
		return err
	}
	if err := sub(d, "versions", versions, a.list); err != nil {
		return err
	}
	r.Affected = append(r.Affected, a)
	return nil
}

// sub reads a member that was put aside.
func sub(d *strictjson.Decoder, name string, raw []byte, read func(*strictjson.Decoder) error) error {
	if raw == nil || string(raw) == "null" {
		return nil
	}
	err := strictjson.Decode(raw, read)
	if err == nil {
		return nil
	}
	if text := err.Error(); strings.HasPrefix(text, "[") { // an element of it
		return d.Errorf("%s%s", name, text)
	}
	return d.Errorf("%s: %v", name, err)
}

func (a *Affected) pkg(d *strictjson.Decoder) (python bool, err error) {
	var ecosystem, spelled string
	err = d.Object(func(name string) (err error) {
		switch name {
		case "ecosystem":
			ecosystem, err = d.String()
			return err
		case "name":
			spelled, err = d.String()
			return err
		}
		return d.Skip()
	})
	if ecosystem, _, _ = strings.Cut(ecosystem, ":"); err != nil || ecosystem != "PyPI" {
		return false, err
	}
	if a.Name, err = purl.NormalName(spelled); err != nil {
		return false, d.Errorf("name: %v", err)
	}
	return true, nil
}

func (a *Affected) list(d *strictjson.Decoder) error {
	return d.Array(func(i int) error {
		text, err := d.String()
		if err == nil && i == maxEntries {
			err = d.Errorf("more than %d versions", maxEntries)
		}
		if err != nil {
			return err
		}
		a.versions[text] = true
		if v, err := pep440.Parse(text); err == nil {
			a.versions[v.Canonical()] = true
		}
		return nil
	})
}

func (a *Affected) ranges(d *strictjson.Decoder) error {
	return d.Array(func(i int) error {
		if i == maxEntries {
			return d.Errorf("more than %d ranges", maxEntries)
		}
		var events []event
		var raw []byte
		var typ string
		err := d.Object(func(name string) (err error) {
			switch name {
			case "type":
				typ, err = d.String()
				return err
			case "events":
				raw, err = d.Raw()
				return err
			}
			return d.Skip()
		})
		if err != nil {
			return err
		}
		if typ != "ECOSYSTEM" {
			a.commits = a.commits || typ == "GIT"
			a.undecided = a.undecided || typ != "GIT"
			return nil
		}
		err = sub(d, "events", raw, func(d *strictjson.Decoder) error {
			return d.Array(func(i int) error { return readEvent(d, i, &events) })
		})
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(events, func(e event) bool { return e.kind == introduced }) {
			return d.Errorf("no event says where the range begins")
		}
		slices.SortStableFunc(events, event.compare)
		a.events = append(a.events, events)
		return nil
	})
}
