package affected_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/bundle/provenance/affected"
	"github.com/modelsigning/modelsigning/internal/pypackages"
)

func versions(t testing.TB, specifiers string, names ...string) affected.Query {
	t.Helper()
	q, err := affected.Versions(specifiers, names...)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestVersions(t *testing.T) {
	for _, c := range []struct {
		specifiers string
		uris       string
		complete   bool
		want       affected.Status
		reason     string
	}{
		{"<2.17.1", "pkg:pypi/tensorflow@2.17.0", false, affected.Affected, "tensorflow: version 2.17.0 is within <2.17.1"},
		{"<2.17.1", "pkg:pypi/TensorFlow@2.17.0%2Bcpu", false, affected.Affected, "version 2.17.0+cpu is within"},
		{"<2.17.1", "pkg:pypi/tensorflow@2.17.1", false, affected.NotAffected, "version 2.17.1 is not within"},
		{"<2.17.1", "pkg:pypi/tensorflow@2.17.1rc1", true, affected.Unknown, "is left out of <2.17.1 by PEP 440 alone"},
		{"<2.17.1", "pkg:pypi/tensorflow", true, affected.Unknown, "its version is not in the list"},
		{"<2.17.1", "pkg:pypi/tensorflow@2.x", true, affected.Unknown, "\"2.x\" is not a version of PEP 440"},
		{"<2.17.1", "pkg:pypi/tensorflow@2.18 pkg:pypi/tensorflow@2.17", true, affected.Affected, "2.17 is within"},
		{"<2.17.1", "pkg:pypi/tensorflow@2.18 pkg:pypi/tensorflow@odd", true, affected.Unknown, "\"odd\" is not a version"},
		{"<2.17.1", "pkg:pypi/numpy@1", true, affected.NotAffected, "tensorflow was not there"},
		{"<2.17.1", "pkg:pypi/numpy@1", false, affected.Unknown, "which is not complete"},
		{"<2.17.1", "", true, affected.Unknown, "there is no list of Python packages"},
		{"<2.17.1", "git+https://example.com/tensorflow", true, affected.Unknown, "there is no list"},
		{"<2.17.1", "pkg:pypi/numpy@1 pkg:pypi/x/tensorflow@2.17", true, affected.Unknown, "1 of which cannot be read"},
		{"<2.17.1", "pkg:pypi/numpy@1 pkg:conda/tensorflow@2.17.0?build=x", true, affected.Unknown, "not as a package of PyPI"},
		{"<2.17.1", "pkg:pypi/numpy@1 pkg:conda/main/TensorFlow", true, affected.Unknown, "not as a package of PyPI"},
		{"<2.17.1", "pkg:pypi/numpy@1 pkg://pypi/tensorflow@2.17.0", true, affected.Unknown, "not as a package of PyPI"},
		{"<2.17.1", "pkg:pypi/numpy@1 x-pkg:pypi/tensorflow@2.17.0", true, affected.Unknown, "1 of which cannot be read"},
		{"<2.17.1", "pkg:pypi/numpy@1 pkg:generic/%74ensorflow@2.17.0", true, affected.Unknown, "not as a package of PyPI"},
		{"<2.17.1", "pkg:pypi/numpy@1 pkg:npm/@x/tensorflow@2.17.0", true, affected.Unknown, "not as a package of PyPI"},
		{"<2.17.1", "pkg:pypi/tensorflow@2.18 pkg:conda/tensorflow@2.10", true, affected.Unknown, "was there, too, but not as a package of PyPI"},
		{"<2.17.1", "pkg:pypi/tensorflow@2.17 pkg:conda/tensorflow@2.18", true, affected.Affected, "2.17 is within"},
		{"<2.17.1", "pkg:pypi/numpy@1 pkg:conda/tensorflow@2.17.0/x", true, affected.Unknown, "not as a package of PyPI"},
		{"<2.17.1", "pkg:pypi/numpy@1 pkg:conda/tensorflow/@2.17.0", true, affected.Unknown, "not as a package of PyPI"},
		{"<2.17.1", "pkg:pypi/numpy@1 pkg:conda/@2.17.0", true, affected.Unknown, "1 of which cannot be read"},
		{"<2.17.1", "pkg:pypi/numpy@1 pkg:tensorflow@2.17.0", true, affected.Unknown, "1 of which cannot be read"},
		{"<2.17.1", "pkg:pypi/numpy@1 pkg:conda/tensorflow-cpu@2.17.0", true, affected.Unknown, "but tensorflow-cpu was, which may be the same code"},
		{"<2.17.1", "pkg:pypi/numpy@1 pkg:generic/%7g@2.17.0", true, affected.Unknown, "1 of which cannot be read"},
		{"<2.17.1", "pkg:pypi/numpy@1 pkg:deb/debian/libstdc%2B%2B6@12?arch=amd64", true, affected.NotAffected, "was not there"},
		{"<2.17.1", "pkg:pypi/tensorflow-cpu@2.17.0", true, affected.Unknown, "but tensorflow-cpu was, which may be the same code"},
		{"<2.17.1", "pkg:pypi/tensorflow-datasets@2.17.0", true, affected.NotAffected, "tensorflow was not there"},
		{"", "pkg:pypi/tensorflow", false, affected.Affected, "any version"},
		{"", "pkg:pypi/tensorflow@x", false, affected.Affected, "any version"},
	} {
		a := versions(t, c.specifiers, "Tensor.Flow", "tensorflow").Ask(affected.ListOf(strings.Fields(c.uris), c.complete))
		if a.Status != affected.Unknown && a.Status != c.want || c.want == affected.Affected && a.Status != c.want {
			t.Errorf("%s: two names: got %v, want %v", c.uris, a.Status, c.want)
		}
		a = versions(t, c.specifiers, "pkg:pypi/TensorFlow").Ask(affected.ListOf(strings.Fields(c.uris), c.complete))
		if a.Status != c.want || len(a.Findings) != a.Count || !strings.Contains(a.Findings[0].Reason, c.reason) {
			t.Errorf("%s, complete %v: got %+v, want %v, %q", c.uris, c.complete, a, c.want, c.reason)
		}
	}
}

// Another build of a package counts by its own name, if that is asked for.
func TestVariants(t *testing.T) {
	list := affected.ListOf([]string{"pkg:pypi/tensorflow-cpu@2.17.0"}, true)
	for specifiers, want := range map[string]affected.Status{"<2.17.1": affected.Affected, "<2.17": affected.NotAffected} {
		if a := versions(t, specifiers, "tensorflow", "tensorflow-cpu").Ask(list); a.Status != want {
			t.Errorf("%s: got %+v, want %v", specifiers, a, want)
		}
	}
}

// Whoever writes lists and records decides how long they are, not how long an answer takes.
func TestLong(t *testing.T) {
	var uris []string
	for i := range 60_000 {
		uris = append(uris, fmt.Sprintf("pkg:pypi/a@1.%d", 1_000_000+i))
	}
	start := time.Now()
	if a := versions(t, "<2", "a").Ask(affected.ListOf(uris, true)); a.Count != len(uris) {
		t.Errorf("got %d findings", a.Count)
	}
	entry := `{"package":{"ecosystem":"PyPI","name":"foo"}},`
	q, err := affected.Records([]byte(`{"id":"X","modified":"x","affected":[` + strings.TrimSuffix(strings.Repeat(entry, 60_000), ",") + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	if a := q.Ask(affected.ListOf([]string{"pkg:pypi/foo-cpu@1"}, true)); a.Status != affected.Unknown || a.Count != 60_000 {
		t.Errorf("got %v of %d", a.Status, a.Count)
	}
	if took := time.Since(start); took > 25*time.Second {
		t.Errorf("took %v", took)
	}
}

// Environments have packages that pip freeze does not list.
func TestUnlisted(t *testing.T) {
	list := affected.ListOf([]string{"pkg:pypi/numpy@1"}, true)
	for _, name := range []string{"pip", "setuptools", "wheel", "Distribute"} {
		if a := versions(t, "<9", name).Ask(list); a.Status != affected.Unknown {
			t.Errorf("%s: got %v", name, a.Status)
		}
	}
	if a := versions(t, "<9", "pip").Ask(affected.ListOf([]string{"pkg:pypi/pip@8"}, true)); a.Status != affected.Affected {
		t.Errorf("got %v", a)
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ specifiers, name, want string }{
		{"2.17.1", "tensorflow", "does not select versions"},
		{"<2", "../tensorflow", "is not the name"},
		{"<2", "", "is not the name"},
		{"<2", "pkg:pypi/tensorflow@2", "want none with a version"},
		{"<2", "pkg:pypi/a/b", "is not the name"},
	} {
		if _, err := affected.Versions(c.specifiers, c.name); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q, %q: got %v, want %q", c.specifiers, c.name, err, c.want)
		}
	}
	if _, err := affected.Versions("<2"); err == nil {
		t.Error("asks for no package")
	}
	var none affected.Query
	if a := none.Ask(affected.ListOf([]string{"pkg:pypi/a@1"}, true)); a.Status != affected.Unknown {
		t.Errorf("no query: got %v", a)
	}
	if a := versions(t, "<2", "a").Ask(affected.List{}); a.Status != affected.Unknown {
		t.Errorf("no list: got %v", a)
	}
}

func record(id, withdrawn, name, rest string) []byte {
	return fmt.Appendf(nil, `{"id":%q,"modified":"2026-01-01T00:00:00Z"%s,"affected":[{"package":{"ecosystem":"PyPI","name":%q}%s}]}`, id, withdrawn, name, rest)
}

const (
	until2    = `,"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2.0"}]}]`
	commits   = `,"ranges":[{"type":"GIT","events":[{"introduced":"0"}]}]`
	withdrawn = `,"withdrawn":"2026-01-02T00:00:00Z"`
)

func TestRecords(t *testing.T) {
	q, err := affected.Records(record("X-1", "", "Foo", until2), record("X-2", withdrawn, "bar", until2), record("X-3", "", "git", commits))
	if err != nil {
		t.Fatal(err)
	}
	if got := q.Withdrawn(); !slices.Equal(got, []string{"X-2"}) {
		t.Errorf("withdrawn: got %v", got)
	}
	for _, c := range []struct {
		uris string
		want affected.Finding
	}{
		{"pkg:pypi/foo@1.9", affected.Finding{"foo", "1.9", "X-1", affected.Affected, `foo: version "1.9" is affected`}},
		{"pkg:pypi/foo@2.0rc1%2Bcpu", affected.Finding{"foo", "2.0rc1+cpu", "X-1", affected.Affected, `foo: version "2.0rc1+cpu" is affected`}},
		{"pkg:pypi/foo@2.0", affected.Finding{"foo", "2.0", "X-1", affected.NotAffected, `foo: version "2.0" is not affected`}},
		{"pkg:pypi/foo@odd", affected.Finding{"foo", "odd", "X-1", affected.Unknown, `foo: "odd" is not a version of PEP 440`}},
		{"pkg:pypi/foo", affected.Finding{"foo", "", "X-1", affected.Unknown, `foo: its version is not in the list`}},
		{"pkg:pypi/bar@1", affected.Finding{"foo", "", "X-1", affected.NotAffected, `foo was not there`}},
		{"pkg:pypi/foo@2 pkg:pypi/git@1", affected.Finding{"git", "1", "X-3", affected.Unknown, "git: the record has no range that can be decided"}},
	} {
		a := q.Ask(affected.ListOf(strings.Fields(c.uris), true))
		if a.Status != c.want.Status || a.Findings[0] != c.want {
			t.Errorf("%s: got %+v, want %+v", c.uris, a, c.want)
		}
	}
	for _, bad := range [][]byte{
		nil, []byte(`{}`), record("X-1", withdrawn, "foo", until2), []byte(`{"id":"X","modified":"x","affected":[{"package":{"ecosystem":"npm","name":"x"}}]}`),
	} {
		if _, err := affected.Records(bad); err == nil {
			t.Errorf("%s: got no error", bad)
		}
	}
}

// What pip reports of a real installation.
func TestRealReport(t *testing.T) {
	data, err := os.ReadFile("../../../internal/pypackages/testdata/report.json")
	if err != nil {
		t.Fatal(err)
	}
	list, err := pypackages.ParseReport(data)
	if err != nil {
		t.Fatal(err)
	}
	var uris []string
	for _, p := range list.Packages {
		uris = append(uris, p.PURL)
	}
	for _, c := range []struct {
		name, specifiers   string
		installed, unknown affected.Status // the answers of a complete list, and of one that is not
	}{
		{"requests", "<2.32.6", affected.Affected, affected.Affected},
		{"requests", "<2.32.5", affected.NotAffected, affected.NotAffected},
		{"PySocks", "==1.7.*", affected.Affected, affected.Affected},
		{"certifi", "<=2026.10.19", affected.NotAffected, affected.NotAffected}, // 2026.10.19.post1
		{"certifi", ">2026.10.19", affected.Unknown, affected.Unknown},
		{"tensorflow", "<2.17.1", affected.NotAffected, affected.Unknown},
	} {
		q := versions(t, c.specifiers, c.name)
		if got := q.Ask(affected.ListOf(uris, true)).Status; got != c.installed {
			t.Errorf("%s%s: got %v, want %v", c.name, c.specifiers, got, c.installed)
		}
		if got := q.Ask(affected.ListOf(uris, false)).Status; got != c.unknown {
			t.Errorf("%s%s, not complete: got %v, want %v", c.name, c.specifiers, got, c.unknown)
		}
	}
}

func TestManyFindings(t *testing.T) {
	var uris []string
	for i := range 5000 {
		uris = append(uris, fmt.Sprintf("pkg:pypi/a@1.%d", i))
	}
	a := versions(t, "<2", "a").Ask(affected.ListOf(uris, true))
	if a.Count != 5000 || len(a.Findings) != affected.MaxFindings {
		t.Errorf("got %d of %d", len(a.Findings), a.Count)
	}
}

func TestWorst(t *testing.T) {
	const a, n, u = affected.Affected, affected.NotAffected, affected.Unknown
	for _, c := range []struct {
		all  []affected.Status
		want affected.Status
	}{
		{nil, u}, {[]affected.Status{n}, n}, {[]affected.Status{n, u, n}, u}, {[]affected.Status{u, a, n}, a}, {[]affected.Status{a, u}, a},
	} {
		if got := affected.Worst(c.all...); got != c.want {
			t.Errorf("%v: got %v, want %v", c.all, got, c.want)
		}
	}
}

func TestConcurrent(t *testing.T) {
	q := versions(t, "<2", "a", "b")
	list := affected.ListOf([]string{"pkg:pypi/a@1", "pkg:pypi/b@3"}, true)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if a := q.Ask(list); a.Status != affected.Affected || a.Count != 1 {
				t.Errorf("got %+v", a)
			}
		})
	}
	wg.Wait()
}

// Whatever the list, a model is never said to be not affected if some URI cannot be read, or the list is not complete and
// does not have the package.
func FuzzListOf(f *testing.F) {
	f.Add("pkg:pypi/a@1", "pkg:conda/b@2", true)
	f.Add("pkg:pypi/A_b@1%2Bx", "pkg:pypi/a//b", false)
	f.Fuzz(func(t *testing.T, one, two string, complete bool) {
		list := affected.ListOf([]string{one, two}, complete)
		a := versions(t, "", "absent-package").Ask(list)
		there := slices.ContainsFunc(list.Packages, func(p affected.Package) bool { return p.Name == "absent-package" })
		read := 0
		for _, uri := range []string{one, two} {
			if len(uri) >= 9 && strings.EqualFold(uri[:9], "pkg:pypi/") {
				read++
			}
		}
		if there != (a.Status == affected.Affected) {
			t.Errorf("got %v for %+v", a.Status, list)
		}
		if a.Status == affected.NotAffected && (!complete || read == 0 || len(list.Packages) < read) {
			t.Errorf("%q, %q, complete %v: got %v", one, two, complete, a.Status)
		}
	})
}
