package pypackages

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ParseRequirements reads a requirements file of pip. Where every requirement is pinned to a version and has digests,
// pip installs nothing that is not in the file, and the coverage is [Installation]: what pip installed is in the list,
// although not all of the list need have been installed, see [Package].Marker. Otherwise, and where the file names
// others by -r or -c, which are not read, or packages without a name, it is [Partial].
//
// A file that only some requirements of which have digests is an error, as pip refuses it. Of the options, -r, -c and
// -e, --hash and --require-hashes mean something here; the other ones of pip are passed over, and their values, which
// may hold credentials, are not kept. Unknown ones are errors.
func ParseRequirements(data []byte) (List, error) {
	r := requirementsReader{}
	if err := eachLine(data, true, r.line); err != nil {
		return List{}, fmt.Errorf("requirements: %w", err)
	}
	hashes := r.hashed > 0 || r.required
	if hashes && r.hashed < r.count {
		return List{}, errors.New("requirements: some have digests and some have not, which pip refuses")
	}
	list := List{Packages: sorted(r.packages)}
	if r.hashed > 0 && !r.open {
		list.Coverage = Installation
	}
	return list, nil
}

type requirementsReader struct {
	packages []Package
	count    int  // requirements, named or not
	hashed   int  // those with digests
	required bool // --require-hashes
	open     bool // there may be more than the file says
}

// Options of a requirements file, by whether they have a value. Those that change what is listed are handled before.
var (
	withValue    = strings.Fields("-i --index-url --pypi-url --extra-index-url -f --find-links --no-binary --only-binary --trusted-host --use-feature")
	withoutValue = strings.Fields("--no-index --prefer-binary --pre --require-hashes")
)

func (r *requirementsReader) line(s string) error {
	if s = uncomment(s); s == "" {
		return nil
	}
	if !strings.HasPrefix(s, "-") {
		return r.requirement(s)
	}
	option, value := cutOption(s)
	switch {
	case slices.Contains([]string{"-r", "--requirement", "-c", "--constraint"}, option) && value != "":
		r.open = true
		return nil
	case slices.Contains([]string{"-e", "--editable"}, option) && value != "":
		r.open = true
		r.count++
		return r.unnamed(value)
	case slices.Contains(withValue, option) && value != "" && !strings.ContainsAny(value, " \t"): // no other option behind it
		return nil
	case slices.Contains(withoutValue, option) && value == "":
		r.required = r.required || option == "--require-hashes"
		return nil
	}
	return errors.New("an option that is not known here, or not as pip has it")
}

// uncomment cuts off a comment: a hash sign at the start or behind white space.
func uncomment(s string) string {
	for i := range len(s) {
		if s[i] == '#' && (i == 0 || s[i-1] == ' ' || s[i-1] == '\t') {
			return strings.TrimSpace(s[:i])
		}
	}
	return s
}

// cutOption splits "--name=value", "--name value", "-n value" and "-nvalue".
func cutOption(s string) (name, value string) {
	end := strings.IndexAny(s, "= \t")
	if !strings.HasPrefix(s, "--") && (end < 0 || end > 2) {
		end = min(2, len(s))
		return s[:end], strings.TrimSpace(s[end:])
	}
	if end < 0 {
		return s, ""
	}
	return s[:end], strings.TrimSpace(s[end+1:])
}

// requirement reads a line of one: a name, or a URL or path.
func (r *requirementsReader) requirement(s string) error {
	s, hashes, err := cutHashes(s)
	if err != nil {
		return err
	}
	r.count++
	if len(hashes) > 0 {
		r.hashed++
	}
	name, rest, err := splitName(s)
	if err != nil && !errors.Is(err, errNoName) {
		return err
	}
	if err != nil || rest != "" && !strings.ContainsAny(rest[:1], "=<>!~@;(") || isArchive(s) {
		r.open = true // a URL or a path
		return r.unnamed(s)
	}
	if address, ok := strings.CutPrefix(rest, "@"); ok {
		return r.direct(name, address, hashes)
	}
	rest, marker, _ := strings.Cut(rest, ";")
	version, pinned := pin(strings.TrimSpace(rest))
	if len(hashes) > 0 && !pinned {
		return errors.New("has digests and is not pinned by == to one version, which pip refuses")
	}
	p, err := newPackage(name, version, source{})
	return r.add(p, err, strings.TrimSpace(marker), hashes)
}

// isArchive says whether a word is the path of a file, as pip does by its ending.
func isArchive(s string) bool {
	return slices.ContainsFunc([]string{".whl", ".zip", ".tar.gz", ".tar.bz2", ".tar.xz"}, func(end string) bool {
		return strings.HasSuffix(strings.ToLower(s), end)
	}) && !strings.ContainsAny(s, "@=<> ;")
}

func (r *requirementsReader) add(p Package, err error, marker string, hashes []string) error {
	if err == nil && len(r.packages) == MaxPackages {
		err = fmt.Errorf("more than %d packages", MaxPackages)
	}
	if err == nil && len(marker) > 4096 {
		err = errors.New("a marker of more than 4096 bytes")
	}
	if err != nil {
		return err
	}
	p.Marker, p.Direct, p.Hashes = marker, true, hashes
	if len(hashes) == 1 { // then it is known which file
		algorithm, digest, _ := strings.Cut(hashes[0], ":")
		p.Digests = map[string]string{algorithm: digest}
	}
	r.packages = append(r.packages, p)
	return nil
}

// direct is for a name with a URL, which does not say the version.
func (r *requirementsReader) direct(name, address string, hashes []string) error {
	address, marker, _ := strings.Cut(address, " ;") // a semicolon alone belongs to the URL
	from, fragment, err := parseSource(strings.TrimSpace(address))
	if err != nil {
		return err
	}
	p, err := newPackage(name, "", from)
	p.Digests = from.digests(fragment)
	return r.add(p, err, strings.TrimSpace(marker), hashes)
}

// unnamed is for a URL or a path, which says the name only in its fragment, if it does.
func (r *requirementsReader) unnamed(s string) error {
	s, marker, _ := strings.Cut(s, " ;")
	from, fragment, err := parseSource(strings.TrimSpace(s))
	if err != nil || fragment.Get("egg") == "" {
		return err
	}
	name, _, err := splitName(fragment.Get("egg"))
	if err != nil {
		return err
	}
	p, err := newPackage(name, "", from)
	p.Digests = from.digests(fragment)
	return r.add(p, err, strings.TrimSpace(marker), nil)
}

// pin returns the version if a requirement allows no other.
func pin(specifiers string) (version string, ok bool) {
	if inner, found := strings.CutPrefix(specifiers, "("); found && strings.HasSuffix(inner, ")") {
		specifiers = strings.TrimSuffix(inner, ")")
	}
	version, ok = strings.CutPrefix(specifiers, "==")
	version = strings.TrimSpace(strings.TrimPrefix(version, "="))
	if !ok || version == "" || strings.ContainsAny(version, "*,<>=!~ ") {
		return "", false
	}
	return version, true
}

// cutHashes splits off the options behind a requirement, which are its digests.
func cutHashes(s string) (rest string, hashes []string, err error) {
	start := strings.Index(s, " --")
	if start < 0 {
		return s, nil, nil
	}
	words := strings.Fields(s[start:])
	for len(words) > 0 {
		option, value, found := strings.Cut(words[0], "=")
		if words = words[1:]; !found && len(words) > 0 {
			value, words = words[0], words[1:]
		}
		switch {
		case value == "":
			return "", nil, errors.New("an option without a value")
		case slices.Contains([]string{"--config-settings", "--config-setting", "--global-option"}, option):
			continue
		case option != "--hash":
			return "", nil, errors.New("an option that is not known behind a requirement")
		}
		algorithm, digest, _ := strings.Cut(value, ":")
		if size, ok := digestSizes[algorithm]; !ok || !isHex(strings.ToLower(digest), size) {
			return "", nil, errors.New("a --hash that is no digest by sha256, sha384 or sha512")
		}
		hashes = append(hashes, algorithm+":"+strings.ToLower(digest))
	}
	slices.Sort(hashes)
	return strings.TrimSpace(s[:start]), slices.Compact(hashes), nil
}
