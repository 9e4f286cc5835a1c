package pypackages_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/internal/purl"
	"github.com/modelsigning/modelsigning/internal/pypackages"
)

// names returns "name version" of each package of a list.
func names(l pypackages.List) []string {
	var s []string
	for _, p := range l.Packages {
		s = append(s, strings.TrimSpace(p.Name+" "+p.Version))
	}
	return s
}

func check(t *testing.T, got pypackages.List, err error, coverage pypackages.Coverage, want ...string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if got.Coverage != coverage || !slices.Equal(names(got), want) {
		t.Errorf("got %v, %q, want %v, %q", got.Coverage, names(got), coverage, want)
	}
}

// The report is one that pip 23.2.1 wrote for "requests[socks]==2.32.5"; the host of its index is another, and long
// metadata is left out.
func TestReport(t *testing.T) {
	data, err := os.ReadFile("testdata/report.json")
	if err != nil {
		t.Fatal(err)
	}
	l, err := pypackages.ParseReport(data)
	check(t, l, err, pypackages.Installation, "certifi 2026.10.19.post1", "charset-normalizer 3.5.3", "idna 3.20",
		"pysocks 1.7.1", "requests 2.32.5", "urllib3 2.8.0")
	for _, p := range l.Packages {
		if p.Direct != (p.Name == "requests") {
			t.Errorf("%s: direct is %v", p.Name, p.Direct)
		}
		if len(p.Digests["sha256"]) != 64 || len(p.Digests) != 1 {
			t.Errorf("%s: digests are %v", p.Name, p.Digests)
		}
	}
	p := l.Packages[3]
	if p.PURL != "pkg:pypi/pysocks@1.7.1" || !strings.HasPrefix(p.URL, "https://index.example.com/packages/") {
		t.Errorf("got %+v", p)
	}
}

const commit = "0123456789abcdef0123456789abcdef01234567"

// Packages that did not come from an index say so in their package URL, without credentials.
func TestReportDirect(t *testing.T) {
	l, err := pypackages.ParseReport([]byte(`{"version":"1","install":[
		{"metadata":{"name":"A_b","version":"1.0+x"},"is_direct":true,"requested":true,"download_info":{
			"url":"https://user:s3cret@example.com/a.git","vcs_info":{"vcs":"git","requested_revision":"main","commit_id":"` + commit + `"}}},
		{"metadata":{"name":"c","version":"2"},"is_direct":true,"download_info":{
			"url":"https://example.com/c.tar.gz?X-Signature=s3cret#s3cret","archive_info":{"hash":"md5=x","hashes":{"md5":"x","sha512":"` + strings.Repeat("0a", 64) + `"}}}},
		{"metadata":{"name":"d","version":"3"},"is_direct":true,"download_info":{"url":"file:///home/s3cret/d","dir_info":{"editable":true}}}
	]}`))
	check(t, l, err, pypackages.Installation, "a-b 1.0+x", "c 2", "d 3")
	for i, want := range []string{
		"pkg:pypi/a-b@1.0%2Bx?vcs_url=git%2Bhttps:%2F%2Fexample.com%2Fa.git%40" + commit,
		"pkg:pypi/c@2?download_url=https:%2F%2Fexample.com%2Fc.tar.gz", "pkg:pypi/d@3",
	} {
		if got := l.Packages[i].PURL; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := l.Packages[0].Digests; !maps.Equal(got, map[string]string{"gitCommit": commit}) {
		t.Errorf("got %v", got)
	}
	if got := slices.Sorted(maps.Keys(l.Packages[1].Digests)); !slices.Equal(got, []string{"sha512"}) {
		t.Errorf("got %v", got)
	}
	noSecret(t, l)
}

func noSecret(t *testing.T, l pypackages.List) {
	t.Helper()
	for _, p := range l.Packages {
		if s := p.Name + p.Version + p.PURL + p.URL; strings.Contains(s, "s3cret") {
			t.Errorf("shows a secret: %+v", p)
		}
	}
}

func TestReportRefused(t *testing.T) {
	item := func(s string) string { return `{"version":"1","install":[` + s + `]}` }
	for doc, want := range map[string]string{
		` `:                            "is not an object",
		`[]`:                           "is not an object",
		`{}`:                           "no member version",
		`{"version":"1"}`:              "no member version, or none that is named install",
		`{"install":[]}`:               "no member version",
		`{"version":1,"install":[]}`:   "version: is not a string",
		`{"version":"2","install":[]}`: "version: is \"2\", and only 1 is known",
		`{"version":"1","install":[],"install":[]}`: "install: is there twice",
		item(`{}`):                           "install[0]: has no version",
		item(`{"metadata":{"version":"1"}}`): "install[0]: \"\" is not the name",
		item(`{"metadata":{"name":"../x","version":"1"}}`):                                                 "install[0]: \"../x\" is not the name",
		item(`{"metadata":{"name":"x","version":"1 "}}`):                                                   "is not a version",
		item(`{"metadata":{"name":"x","version":"1\u0000"}}`):                                              "is not a version",
		item(`{"metadata":{"name":"x","version":"1"}},{"metadata":{"name":"X","version":"2"}}`):            "install[1]: is the second package named x",
		item(`{"metadata":{"name":"x","version":"1"},"download_info":{"vcs_info":{"vcs":"git"}}}`):         "download_info.vcs_info: commit_id",
		item(`{"download_info":{"vcs_info":{"vcs":"cvs","commit_id":"1"}}}`):                               "no version control that is known",
		item(`{"download_info":{"archive_info":{"hashes":{"sha256":"` + strings.Repeat("A", 64) + `"}}}}`): "hashes.sha256: is not a digest",
	} {
		if _, err := pypackages.ParseReport([]byte(doc)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", doc, err, want)
		}
	}
}

func TestFreeze(t *testing.T) {
	l, err := pypackages.ParseFreeze([]byte("\ufeffAbsl_Py==2.5.1\r\n" +
		"odd===2014.x\n" +
		"local @ file:///croot/s3cret/local.whl#sha256=" + strings.Repeat("0a", 32) + "\n" +
		"direct @ git+https://token:s3cret@example.com/direct.git@" + commit + "\n" +
		"# Editable install with no version control (mine==0.1.dev0)\n-e /home/s3cret/my project\n" +
		"-e git+ssh://git@example.com/o/p.git@" + commit + "#egg=checked_out&subdirectory=x\n" +
		"dup==1\ndup==2\n"))
	check(t, l, err, pypackages.Environment, "absl-py 2.5.1", "checked-out", "direct", "dup 1", "dup 2", "local", "mine 0.1.dev0", "odd 2014.x")
	noSecret(t, l)
	if got, want := l.Packages[1].PURL, "pkg:pypi/checked-out?vcs_url=git%2Bssh:%2F%2Fexample.com%2Fo%2Fp.git%40"+commit; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if l.Packages[2].Digests["gitCommit"] != commit || l.Packages[5].Digests["sha256"] == "" {
		t.Errorf("got %v, %v", l.Packages[2].Digests, l.Packages[5].Digests)
	}

	l, err = pypackages.ParseFreeze([]byte("a==1\n-e git+https://example.com/x@main\n"))
	check(t, l, err, pypackages.Partial, "a 1")
}

func TestFreezeRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "no package in it",
		"# nothing":                          "no package in it",
		"a==1\na>=2":                         "line 2: not as pip freeze has it",
		"a":                                  "line 1: not as pip freeze has it",
		"a==":                                "no version",
		"a==1 # why":                         "is not a version",
		"a==1 \\\n --hash=sha256:0":          "is not a version",
		"==1":                                "no name",
		"Package Version":                    "not as pip freeze has it",
		"a @ ":                               "no URL",
		"a==1\x00":                           "line 1: has a control character",
		"a==1\nb==1\r#\nc==1":                "line 2: has a control character, '\\r'",
		"# -*- coding: latin-1 -*-\na==1":    "declares the encoding \"latin-1\"",
		"a==\xff":                            "not text",
		"-r other.txt":                       "not as pip freeze has it",
		"a\u212a==1":                         "not as pip freeze has it",
		"WARNING: pip is being invoked by x": "not as pip freeze has it",
		"a==" + strings.Repeat("1", 2<<20):   "line 1: longer than",
		"-e x y":                             "no URL, or one with spaces",
	} {
		if _, err := pypackages.ParseFreeze([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: got %v, want %q", text, err, want)
		}
	}
}

var sums = []string{"sha256:" + strings.Repeat("0a", 32), "sha256:" + strings.Repeat("0b", 32)}

func TestRequirements(t *testing.T) {
	l, err := pypackages.ParseRequirements([]byte(`# made by a tool
--index-url https://user:s3cret@example.com/simple
--require-hashes
Foo[extra1, extra-2]==1.0 ; python_version < "3.9" \
    --hash=` + sums[0] + ` \
    --hash ` + sums[1] + `
    # via bar
bar (==2.0) --hash=` + sums[0] + ` # why
baz===3 --hash=` + sums[1] + `
`))
	check(t, l, err, pypackages.Installation, "bar 2.0", "baz 3", "foo 1.0")
	noSecret(t, l)
	foo := l.Packages[2]
	if foo.Marker != `python_version < "3.9"` || !slices.Equal(foo.Hashes, sums) || foo.Digests != nil {
		t.Errorf("got %+v", foo)
	}
	if got := l.Packages[0].Digests; !maps.Equal(got, map[string]string{"sha256": strings.Repeat("0a", 32)}) {
		t.Errorf("got %v", got)
	}
}

// What is in such a file need not be all that was there, nor need it have the versions.
func TestRequirementsPartial(t *testing.T) {
	pinned := "a==1 --hash=" + sums[0] + "\n"
	for text, want := range map[string][]string{
		"":                         nil,
		"a==1\nb>=2,<3\nc\nd==1.*": {"a 1", "b", "c", "d"},
		"-r other.txt\n" + pinned:  {"a 1"},
		"-cother.txt\n" + pinned:   {"a 1"},
		"./dir\n../x.whl\nhttps://u:s3cret@example.com/x-1.whl\nx-1-py3-none-any.whl\nC:\\x": nil,
		"-e git+https://u:s3cret@example.com/x.git@v1#egg=X[extra]":                          {"x"},
		"x @ https://example.com/x;y.whl ; sys_platform == 'linux'":                          {"x"},
		"a==1,!=1.1\nb ~= 1.0 ; extra == 'x'":                                                {"a", "b"},
		"a==1\\\n.5":                                                                         {"a 1.5"},
	} {
		l, err := pypackages.ParseRequirements([]byte(text))
		check(t, l, err, pypackages.Partial, want...)
		noSecret(t, l)
	}
}

func TestRequirementsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"a==1 --hash=" + sums[0] + "\nb==1":           "some have digests and some have not",
		"--require-hashes\nb==1":                      "some have digests and some have not",
		"a>=1 --hash=" + sums[0]:                      "line 1: has digests and is not pinned",
		"a==1 --hash=md5:" + strings.Repeat("0a", 16): "line 1: a --hash that is no digest",
		"a==1 --hash=sha256:0a":                       "a --hash that is no digest",
		"a==1 --hash":                                 "an option without a value",
		"a==1 --evil=x":                               "an option that is not known behind",
		"--evil":                                      "line 1: an option that is not known",
		"-e":                                          "an option that is not known",
		"--index-url":                                 "an option that is not known",
		"a==1\n\\":                                    "line 2: a backslash, and no line behind it",
		"a==1 #\rb==1":                                "line 1: has a control character",
		"a==1 #\vb==1":                                "line 1: has a control character",
		"a==1 #\fb==1":                                "line 1: has a control character",
		"a==1 #\x1cb==1":                              "line 1: has a control character",
		"a==1 #\u0085b==1":                            "line 1: has a control character",
		"a==1 #\u2028b==1":                            "line 1: has a control character",
		"\n#coding=utf-7\na==1":                       "declares the encoding",
		"-i https://example.com -r other.txt":         "an option that is not known",
		"--pre -r other.txt":                          "an option that is not known",
		"a==1 -r other.txt --hash=" + sums[0]:         "is not pinned",
		"a[b":                                         "no ] behind the extras",
		"a[/]":                                        "extras that are no names",
		"a==1\x00":                                    "line 1: has a control character",
		"a==1/../..":                                  "is not a version",
		strings.Repeat("a\\\n", 1<<20) + "a":          "line 1048576: longer than",
		"-e git+https://example.com/x#egg=%2e%2e%2f":              "is not the name",
		"a @ https://example.com/a b":                             "no URL, or one with spaces",
		"a ; " + strings.Repeat("x", 5000):                        "a marker of more than",
		strings.Repeat("a==1\n", pypackages.MaxPackages) + "a==1": "more than 100000 packages",
	} {
		if _, err := pypackages.ParseRequirements([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: got %v, want %q", text, err, want)
		}
	}
}

func TestUnlisted(t *testing.T) {
	if !pypackages.Unlisted("setuptools") || pypackages.Unlisted("tensorflow") {
		t.Error("setuptools is left out by pip freeze, tensorflow is not")
	}
}

// Whatever the text, what is read has normal names, package URLs that can be read back, and no user of a URL.
func FuzzParse(f *testing.F) {
	report, err := os.ReadFile("testdata/report.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(report)
	f.Add([]byte("a==1\nb @ git+https://u:p@example.com/x@" + commit + "\n# Editable install (c==1)\n-e /x\n"))
	f.Add([]byte("a[x]==1 ; y \\\n --hash=" + sums[0] + "\n-r x\n-e git+https://example.com/x#egg=y\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, parse := range []func([]byte) (pypackages.List, error){
			pypackages.ParseReport, pypackages.ParseFreeze, pypackages.ParseRequirements,
		} {
			l, err := parse(data)
			if err != nil {
				continue
			}
			for _, p := range l.Packages {
				name, version, err := purl.Parse(p.PURL)
				if err != nil || name != p.Name || version != p.Version {
					t.Errorf("%+v is %q, which is read as %q, %q, %v", p, p.PURL, name, version, err)
				}
				_, rest, _ := strings.Cut(p.URL, "://")
				if host, _, _ := strings.Cut(rest, "/"); strings.Contains(host, "@") {
					t.Errorf("%s shows a user", p.URL)
				}
			}
		}
	})
}
