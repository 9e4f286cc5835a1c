package provenance

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/modelsigning/modelsigning/internal/strictjson"
	"github.com/modelsigning/modelsigning/manifest"
)

// Check reports the first thing that [Marshal] would refuse in b, before a model is hashed, which may take hours.
func Check(b Build) error {
	_, err := Marshal(smallest, b)
	return err
}

// smallest is a model that Marshal takes.
var smallest = &manifest.Manifest{
	Name:          "model",
	Serialization: manifest.Serialization{Method: manifest.Files, Algorithm: manifest.SHA256},
	Resources:     []manifest.Resource{{Path: "file", Digest: manifest.NewDigest(manifest.SHA256, make([]byte, 32))}},
}

func (b Build) check() error {
	if b.Builder.ID == "" {
		return errors.New("the builder has no ID")
	}
	if err := checkURI(b.Builder.ID); err != nil {
		return fmt.Errorf("builder: %w", err)
	}
	if err := b.Source.check(); err != nil {
		return fmt.Errorf("source: %w", err)
	}
	if !b.StartedOn.IsZero() && !b.FinishedOn.IsZero() && b.FinishedOn.Before(b.StartedOn) {
		return errors.New("the build finished before it started")
	}
	for _, t := range []struct{ what, text string }{
		{"entry point", b.EntryPoint}, {"trigger", b.Trigger}, {"invocation", b.InvocationID},
	} {
		if err := checkText(t.text); err != nil {
			return fmt.Errorf("%s: %w", t.what, err)
		}
	}
	if strings.Contains(b.InvocationID, "://") {
		if err := checkURI(b.InvocationID); err != nil {
			return fmt.Errorf("invocation: %w", err)
		}
	}
	if err := checkMap(b.Builder.Version, MaxInputs); err != nil {
		return fmt.Errorf("builder version: %w", err)
	}
	if err := checkMap(b.Inputs, MaxInputs); err != nil {
		return fmt.Errorf("inputs: %w", err)
	}
	if len(b.Dependencies) >= MaxDependencies { // the source is one
		return fmt.Errorf("%d dependencies are too many", len(b.Dependencies))
	}
	for i, d := range b.Dependencies {
		if err := d.check(); err != nil {
			return fmt.Errorf("dependency %d: %w", i, err)
		}
	}
	return nil
}

func (s Source) check() error {
	if s.URI == "" {
		if s.Ref != "" || s.Commit != "" {
			return errors.New("has a reference or a commit, and no URI")
		}
		return nil
	}
	if err := checkURI(s.URI); err != nil {
		return err
	}
	if strings.HasPrefix(s.URI, "git+") || strings.Contains(s.URI, "@") {
		return fmt.Errorf("%.200q is not the plain URL of a repository", withoutUser(s.URI))
	}
	if s.Ref != "" && (!strings.HasPrefix(s.Ref, "refs/") || checkName(s.Ref) != nil || strings.ContainsAny(s.Ref, " @")) {
		return fmt.Errorf("%.200q is not a reference in full, such as refs/heads/main", s.Ref)
	}
	if s.Commit != "" && !isHex(s.Commit, 40, 64) {
		return fmt.Errorf("%.80q is not the hash of a commit", s.Commit)
	}
	return nil
}

func (d Descriptor) check() error {
	switch d.Kind {
	case "", Dataset, BaseModel, Package:
	default:
		return fmt.Errorf("kind: %.80q is none that is known", d.Kind)
	}
	if d.URI == "" && len(d.Digest) == 0 {
		return fmt.Errorf("%.200q has neither a URI nor a digest", d.Name)
	}
	if d.Kind == Package && !strings.HasPrefix(d.URI, "pkg:") {
		return fmt.Errorf("uri: %.200q of a package is not a package URL", d.URI)
	}
	for _, u := range []string{d.URI, d.DownloadLocation} {
		if err := checkURI(u); u != "" && err != nil {
			return fmt.Errorf("uri: %w", err)
		}
	}
	for _, t := range []string{d.Name, d.MediaType} {
		if err := checkText(t); err != nil {
			return err
		}
	}
	if _, ok := d.Digest["sha256"]; d.RootDigest && !ok {
		return errors.New("digest: there is no root digest")
	}
	return checkDigests(d.Digest)
}

// digestSizes are the lengths of hexadecimal digests. in-toto allows others, of which nothing is known.
var digestSizes = map[string][]int{
	"sha256": {64}, "sha512": {128}, "sha384": {96}, "sha1": {40}, "md5": {32}, "dirHash": {64},
	"blake2b": {128}, "gitCommit": {40, 64}, "gitTree": {40, 64},
}

func checkDigests(digests map[string]string) error {
	if len(digests) > maxDigests {
		return fmt.Errorf("digest: %d are too many", len(digests))
	}
	for algorithm, value := range digests {
		sizes, known := digestSizes[algorithm]
		switch {
		case checkName(algorithm) != nil || checkName(value) != nil:
			return fmt.Errorf("digest: %.80q: %.200q is not a digest", algorithm, value)
		case known && !isHex(value, sizes...):
			return fmt.Errorf("digest: %s: %.200q is not one in lower-case hexadecimal", algorithm, value)
		}
	}
	return nil
}

// isHex says whether s is lower-case hexadecimal and has one of the lengths.
func isHex(s string, lengths ...int) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	for _, n := range lengths {
		if len(s) == n {
			return true
		}
	}
	return false
}

// checkURI says why s is not a URI that may be published.
func checkURI(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme == "" || checkName(s) != nil || strings.Contains(s, " "):
		return fmt.Errorf("%.200q is not a URI", withoutUser(s))
	case u.User != nil || secretQuery(u.RawQuery):
		return fmt.Errorf("%.200q holds a user or credentials", withoutUser(s))
	}
	return nil
}

// secrets are parameters by which URLs of stores and forges let in whoever has them.
var secrets = map[string]bool{
	"sig": true, "signature": true, "x-amz-signature": true, "x-amz-security-token": true, "x-goog-signature": true,
	"token": true, "access_token": true, "private_token": true, "password": true,
}

// secretQuery says whether a query lets somebody in, or holds a URL with a user, as the package URL of a checkout may.
func secretQuery(query string) bool {
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if secrets[strings.ToLower(name)] {
			return true
		}
		if value, err := url.PathUnescape(value); err == nil {
			if u, err := url.Parse(value); err == nil && u.User != nil {
				return true
			}
		}
	}
	return false
}

// withoutUser keeps credentials out of error messages: a query, and what stands before the @ of a host. Where that is
// cannot be told of what is no URL, so there it is the last @.
func withoutUser(s string) string {
	s, _, _ = strings.Cut(s, "?")
	start, rest, ok := strings.Cut(s, "://")
	if !ok {
		start, rest = "", s
	} else {
		start += "://"
	}
	secret := rest
	if u, err := url.Parse(s); err == nil && u.Host != "" {
		secret, _, _ = strings.Cut(rest, "/")
	}
	if at := strings.LastIndexByte(secret, '@'); at >= 0 {
		return start + "…@" + rest[at+1:]
	}
	return s
}

func checkName(s string) error {
	if s == "" {
		return errors.New("is empty")
	}
	return checkText(s)
}

// checkText says why s is not one line of text.
func checkText(s string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("%.200q is not valid UTF-8", s)
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		return fmt.Errorf("%.200q holds a control character", s)
	}
	return nil
}

func checkMap(m map[string]string, limit int) error {
	if len(m) > limit {
		return fmt.Errorf("%d are more than the limit of %d", len(m), limit)
	}
	folded := make(map[string]bool)
	for _, k := range slices.Sorted(maps.Keys(m)) {
		v, name := m[k], strictjson.Fold(k)
		if err := checkName(k); err != nil {
			return err
		}
		if folded[name] {
			return fmt.Errorf("%.80q is there twice: some readers of JSON look neither at case nor at underscores", k)
		}
		folded[name] = true
		if !utf8.ValidString(v) {
			return fmt.Errorf("%.80q: %.200q is not valid UTF-8", k, v)
		}
	}
	return nil
}
