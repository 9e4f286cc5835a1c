package purl_test

import (
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/internal/purl"
)

func TestNormalName(t *testing.T) {
	for name, want := range map[string]string{
		"Foo.Bar": "foo-bar", "foo_-.bar": "foo-bar", "a": "a", "Tensorflow_CPU": "tensorflow-cpu", "0": "0",
	} {
		if got, err := purl.NormalName(name); got != want || err != nil {
			t.Errorf("%q: got %q, %v, want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"", "-", "-a", "a-", ".a", "a_", "a b", "a/b", "a\x00", "\u212aeras", "a@1", "..", strings.Repeat("a", 257)} {
		if got, err := purl.NormalName(name); err == nil {
			t.Errorf("%.40q: got %q and no error", name, got)
		}
	}
}

func TestString(t *testing.T) {
	for _, c := range []struct{ name, version, qualifier, value, want string }{
		{"torch", "2.4.0+cu118", "", "", "pkg:pypi/torch@2.4.0%2Bcu118"},
		{"a", "1!2.0", "", "", "pkg:pypi/a@1%212.0"},
		{"a", "", "", "", "pkg:pypi/a"},
		{"a", "1", "vcs_url", "git+https://example.com/a@0f", "pkg:pypi/a@1?vcs_url=git%2Bhttps:%2F%2Fexample.com%2Fa%400f"},
		{"a", "1", "vcs_url", "", "pkg:pypi/a@1"},
	} {
		got := purl.String(c.name, c.version, c.qualifier, c.value)
		if got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
		if name, version, err := purl.Parse(got); name != c.name || version != c.version || err != nil {
			t.Errorf("%s is read as %q, %q, %v", got, name, version, err)
		}
	}
}

func TestParse(t *testing.T) {
	for s, want := range map[string][2]string{
		"pkg:pypi/Django_rest.x@1.0": {"django-rest-x", "1.0"},
		"PKG:PyPI/a":                 {"a", ""},
		"pkg:pypi/a@1?b=c&d=%20":     {"a", "1"},
		"pkg:pypi/a@1%2Bcpu":         {"a", "1+cpu"},
		"pkg:pypi/a@1+cpu":           {"a", "1+cpu"},
	} {
		if name, version, err := purl.Parse(s); err != nil || name != want[0] || version != want[1] {
			t.Errorf("%s: got %q, %q, %v, want %q", s, name, version, err, want)
		}
	}
	for _, s := range []string{
		"", "pkg:npm/a@1", "pkg:pypi/", "pkg:pypi/@1", "pkg:pypi/a@", "pkg:pypi/a/b@1", "pkg:pypi//a@1", "pkg:pypi/a@1@2", "pkg:pypi/a@1/2",
		"pkg:pypi/a@1#src", "pkg:pypi/a#src", "pkg:pypi/a@1?x", "pkg:pypi/a@1?x=1&X=2", "pkg:pypi/a@1?=1", "pkg:pypi/a@%zz", "pkg:pypi/a@1%00",
		"pkg:pypi/a@1%20", "pkg:pypi/a@1%C3%A9", "pkg:pypi/a@1\n", "pkg:pypi/é@1", "pkg:pypi/%61@1", "pkg:pypi/..@1", "pkg:pypi/a@1?x=%g", " pkg:pypi/a@1",
		"pkg://pypi/a@1", "pkg:pypi/a@1%2F..", "pkg:pypi/a@1%40", "pkg:pypi/" + strings.Repeat("a", 5000),
		"pkg:pypi/a@" + strings.Repeat(",", 1025),
	} {
		if name, version, err := purl.Parse(s); err == nil {
			t.Errorf("%.60q: got %q, %q and no error", s, name, version)
		}
	}
}

// What is read can be written, and is then read as the same.
func FuzzParse(f *testing.F) {
	f.Add("pkg:pypi/Django@1.0?x=y")
	f.Add("pkg:pypi/a@1%2Bcpu")
	f.Add("pkg:pypi/" + strings.Repeat("a", 256) + "@" + strings.Repeat(",", 1024))
	f.Add("pkg:pypi/a@" + strings.Repeat(",", 1500))
	f.Fuzz(func(t *testing.T, s string) {
		name, version, err := purl.Parse(s)
		if err != nil {
			return
		}
		again := purl.String(name, version, "", "")
		if n, v, err := purl.Parse(again); n != name || v != version || err != nil {
			t.Errorf("%q is %q, which is read as %q, %q, %v", s, again, n, v, err)
		}
	})
}
