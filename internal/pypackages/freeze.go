package pypackages

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// ParseFreeze reads what pip freeze prints: a package a line, as name==version, name @ URL, or -e URL. The coverage is
// [Environment], unless a line names no package. Whether pip was told to leave packages out (--local, --user, --path,
// --exclude, -r) does not show in its output, so the caller must know that it was not.
func ParseFreeze(data []byte) (List, error) {
	r := freezeReader{list: List{Coverage: Environment}}
	if err := eachLine(data, false, r.line); err != nil {
		return List{}, fmt.Errorf("output of pip freeze: %w", err)
	}
	if len(r.list.Packages) == 0 {
		return List{}, errors.New("output of pip freeze: no package in it")
	}
	sorted(r.list.Packages)
	return r.list, nil
}

type freezeReader struct {
	list     List
	editable [2]string // name and version that a comment says of the next line
}

// pip writes this comment above a package that is a folder: its line has no more than the path.
var editableComment = regexp.MustCompile(`^# Editable .*\(([A-Za-z0-9._-]+)==([^()\s]+)\)$`)

func (r *freezeReader) line(s string) error {
	said := r.editable
	r.editable = [2]string{}
	if m := editableComment.FindStringSubmatch(s); m != nil {
		r.editable = [2]string{m[1], m[2]}
		return nil
	}
	if strings.HasPrefix(s, "#") {
		return nil
	}
	if rest, ok := strings.CutPrefix(s, "-e "); ok {
		return r.editableLine(strings.TrimSpace(rest), said)
	}
	name, rest, err := splitName(s)
	if err != nil {
		return err
	}
	if address, ok := strings.CutPrefix(rest, "@"); ok {
		return r.directLine(name, strings.TrimSpace(address))
	}
	version, ok := strings.CutPrefix(rest, "==")
	if !ok {
		return errors.New("not as pip freeze has it: name==version, name @ URL or -e URL")
	}
	version = strings.TrimSpace(strings.TrimPrefix(version, "="))
	if version == "" {
		return errors.New("no version")
	}
	p, err := newPackage(name, version, source{})
	return r.add(p, err)
}

func (r *freezeReader) add(p Package, err error) error {
	if err == nil && len(r.list.Packages) == MaxPackages {
		err = fmt.Errorf("more than %d packages", MaxPackages)
	}
	if err == nil {
		r.list.Packages = append(r.list.Packages, p)
	}
	return err
}

// directLine is for packages from a URL, which does not say the version.
func (r *freezeReader) directLine(name, address string) error {
	from, fragment, err := parseSource(address)
	if err != nil {
		return err
	}
	p, err := newPackage(name, "", from)
	p.Digests = from.digests(fragment)
	return r.add(p, err)
}

func (r *freezeReader) editableLine(address string, said [2]string) error {
	from, fragment, err := parseSource(address)
	if err != nil && said[0] == "" {
		return err
	}
	name, version := fragment.Get("egg"), ""
	if said[0] != "" {
		name, version = said[0], said[1]
	}
	if name == "" { // then the list has a package that nobody can ask for
		r.list.Coverage = Partial
		return nil
	}
	p, err := newPackage(name, version, from)
	p.Digests = from.digests(fragment)
	return r.add(p, err)
}
