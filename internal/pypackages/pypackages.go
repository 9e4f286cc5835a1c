// Package pypackages reads which Python packages a training had, from what pip writes or reads: the report of an
// installation, the output of pip freeze, and requirements files. Each says more or less, and the [Coverage] of what
// was read says how much, so that "not in the list" is not taken for "not there".
//
// The files may come from anybody: they are bounded, an error names the line or the member, and no credential of a URL
// is kept.
package pypackages

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/modelsigning/modelsigning/internal/purl"
)

const (
	MaxSize     = 64 << 20 // bytes of a file
	MaxPackages = 100_000  // packages in one
	maxLine     = 1 << 20  // bytes of a line of text, with those that continue it
)

// Coverage says what a list of packages is a list of.
type Coverage int

const (
	// Partial: there may have been more packages.
	Partial Coverage = iota
	// Installation: everything that one run of pip installed. What the environment already had is not listed, so
	// the list is that of the environment only if that was new and empty, which only the caller can know.
	Installation
	// Environment: everything that was installed, but for what pip freeze leaves out: see [Unlisted].
	Environment
)

func (c Coverage) String() string {
	switch c {
	case Installation:
		return "installation"
	case Environment:
		return "environment"
	}
	return "partial"
}

// Unlisted reports whether pip freeze leaves out the package with this normal name, unless told otherwise: pip itself
// and what else builds packages. New environments have some of them, too, before anything is installed. So none of
// them can be known to be absent from a list that does not have it.
func Unlisted(name string) bool {
	return slices.Contains([]string{"pip", "setuptools", "distribute", "wheel"}, name)
}

// A List is what a file says. Packages are in the order of their names and versions.
type List struct {
	Packages []Package
	Coverage Coverage
}

// A Package is a package that was installed or required.
type Package struct {
	Name    string            // normal: lower case, with single hyphens
	Version string            // as it was written; empty if the file does not say
	PURL    string            // with vcs_url or download_url if it did not come from an index
	Digests map[string]string // of the file that was installed, by "sha256", "sha384" or "sha512", in hexadecimal
	// Hashes are the digests that the file may have had, as "sha256:…", where a requirement allows several files.
	Hashes []string
	URL    string // where it came from, without credentials, query and fragment; only http, https and VCS over them or ssh
	Direct bool   // it was asked for, not only needed by another package
	Marker string // of a requirement: it was installed only where this holds
}

// A source is where a package came from, if not from an index.
type source struct {
	url    string // as written
	vcs    string // "git" …, or empty
	commit string
}

// newPackage checks what has been read.
func newPackage(name, version string, from source) (Package, error) {
	normal, err := purl.NormalName(name)
	if err != nil {
		return Package{}, err
	}
	if len(version) > 256 || strings.IndexFunc(version, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("/@", r) }) >= 0 {
		return Package{}, fmt.Errorf("%.300q is not a version", version)
	}
	p := Package{Name: normal, Version: version, URL: cleanURL(from.url)}
	qualifier, value := "", ""
	switch {
	case p.URL == "":
	case from.vcs != "":
		qualifier, value = "vcs_url", from.vcs+"+"+p.URL
		if from.commit != "" {
			value += "@" + from.commit
		}
	default:
		qualifier, value = "download_url", p.URL
	}
	p.PURL = purl.String(p.Name, p.Version, qualifier, value)
	return p, nil
}

// cleanURL returns what can be shown of a URL: no user, password, query or fragment, any of which can be a secret. A
// URL that is none, or that names a place on this machine, is left out.
func cleanURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || len(s) > 2048 || !slices.Contains([]string{"http", "https", "ssh"}, u.Scheme) {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

// digestSizes are the algorithms that pip calls strong, with the length of their digests in hexadecimal.
var digestSizes = map[string]int{"sha256": 64, "sha384": 96, "sha512": 128}

func isHex(s string, length int) bool {
	return len(s) == length && strings.Trim(s, "0123456789abcdef") == ""
}

func sorted(packages []Package) []Package {
	slices.SortStableFunc(packages, func(a, b Package) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.PURL, b.PURL))
	})
	return packages
}

func checkSize(data []byte) error {
	if len(data) > MaxSize {
		return fmt.Errorf("a list of packages of more than %d bytes", MaxSize)
	}
	return nil
}
