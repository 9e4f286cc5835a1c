package osv_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/internal/osv"
	"github.com/modelsigning/modelsigning/internal/pep440"
)

func TestRecord(t *testing.T) {
	data, err := os.ReadFile("testdata/record.json")
	if err != nil {
		t.Fatal(err)
	}
	r, err := osv.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if r.ID != "EXAMPLE-2026-0001" || !r.Withdrawn.IsZero() || len(r.Affected) != 2 ||
		r.Affected[0].Name != "tensorflow" || r.Affected[1].Name != "tensorflow-cpu" {
		t.Fatalf("got %+v", r)
	}
	for version, want := range map[string]osv.Status{
		"0.1": osv.Yes, "2.16.1": osv.Yes, "2.16.2rc1": osv.Yes, "2.16.2": osv.No, "2.16.9": osv.No, "2.17.0.dev1": osv.No, "2.17.0rc0": osv.Yes,
		"2.17.0": osv.Yes, "2.17.0+cu118": osv.Yes, "2.17.1": osv.No, "2.17.1+cu118": osv.No, "3": osv.No, "2.17.0-odd.build": osv.Yes,
		"2.17.1-odd.build": osv.Unknown, "": osv.Unknown, "1!0": osv.No,
	} {
		if got := r.Affected[0].Status(version); got != want {
			t.Errorf("%s: got %d, want %d", version, got, want)
		}
	}
	for version, want := range map[string]osv.Status{
		"2.16": osv.No, "2.17.0": osv.Yes, "2.17": osv.Yes, "2.17.0+cpu": osv.Yes, "2.17.0.post1": osv.No,
	} {
		if got := r.Affected[1].Status(version); got != want {
			t.Errorf("tensorflow-cpu %s: got %d, want %d", version, got, want)
		}
	}
}

func record(affected string) []byte {
	return []byte(`{"id":"X-1","modified":"2026-01-01T00:00:00Z","affected":[` + affected + `]}`)
}

const pkg = `"package":{"ecosystem":"PyPI","name":"a"}`

func events(s string) string {
	return `{` + pkg + `,"ranges":[{"type":"ECOSYSTEM","events":[` + s + `]}]}`
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		affected, version string
		want              osv.Status
	}{
		{`{` + pkg + `}`, "1", osv.Unknown},
		{`{` + pkg + `,"versions":["1.0"]}`, "1", osv.Yes},
		{`{` + pkg + `,"versions":["1.0"]}`, "v1.0+x", osv.Yes},
		{`{` + pkg + `,"versions":["1.0"]}`, "2", osv.No},
		{`{` + pkg + `,"ranges":[{"type":"GIT","events":[{"introduced":"0"}]}]}`, "1", osv.Unknown},
		{`{` + pkg + `,"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],"versions":["1"]}`, "1", osv.Yes},
		{`{` + pkg + `,"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],"versions":["1"]}`, "2", osv.Unknown},
		{`{` + pkg + `,"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1"}]},{"type":"SEMVER","events":[{"introduced":"2.0.0"}]}]}`, "2.1", osv.Unknown},
		{`{` + pkg + `,"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1"}]},{"type":"SEMVER","events":[{"introduced":"2.0.0"}]}]}`, "0.1", osv.Yes},
		{`{` + pkg + `,"ranges":[{"type":"GIT","events":[{"introduced":"0"}]},{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1"}]}]}`, "2.1", osv.No},
		{`{"ranges":[{"events":[{"fixed":"2"},{"introduced":"1"}],"type":"ECOSYSTEM"}],` + pkg + `}`, "1.5", osv.Yes},
		{events(`{"introduced":"0"}`), "0.dev0", osv.Yes},
		{events(`{"introduced":"0"},{"fixed":"1"},{"introduced":"1"}`), "1", osv.Yes},
		{events(`{"introduced":"0"},{"limit":"2"}`), "2", osv.No},
		{events(`{"introduced":"0"},{"limit":"2"}`), "1.9", osv.Yes},
		{events(`{"introduced":"0"},{"limit":"*"}`), "9", osv.Yes},
		{events(`{"introduced":"0"},{"limit":"2"},{"limit":"4"}`), "3", osv.Yes},
		{events(`{"introduced":"3"},{"introduced":"1"},{"fixed":"2"}`), "2.5", osv.No},
	} {
		r, err := osv.Parse(record(c.affected))
		if err != nil {
			t.Errorf("%s: %v", c.affected, err)
		} else if got := r.Affected[0].Status(c.version); got != c.want {
			t.Errorf("%s, %s: got %d, want %d", c.affected, c.version, got, c.want)
		}
	}
}

func TestRefused(t *testing.T) {
	for doc, want := range map[string]string{
		`[]`:                         "is not an object",
		`{"id":"X"}`:                 "no member id, or none that is named modified",
		`{"modified":"x"}`:           "no member id",
		`{"id":"","modified":"x"}`:   "id: is not an ID",
		`{"id":"a\u001bb"}`:          "id: is not an ID",
		`{"schema_version":"2.0"}`:   "schema_version: is \"2.0\"",
		`{"withdrawn":"yes"}`:        "withdrawn: is not a time",
		`{"id":"X","id":"Y"}`:        "id: is there twice",
		string(record(`1`)):          "affected[0]: is not an object",
		string(record(events(``))):   "affected[0]: ranges[0]: no event says where",
		string(record(events(`{}`))): "affected[0]: ranges[0]: events[0]: is not an event",
		string(record(events(`{"introduced":"0","fixed":"1"}`))):                                    "is not an event, or more than one",
		string(record(events(`{"introduced":"x"}`))):                                                "ranges[0]: events[0].introduced: \"x\" is not a version",
		string(record(events(`{"introduced":0}`))):                                                  "is not a string",
		string(record(events(`{"fixed":"0"}`))):                                                     "no event says where",
		string(record(`{"package":{"ecosystem":"PyPI","name":"../a"}}`)):                            "affected[0].package: name: \"../a\" is not the name",
		string(record(`{` + pkg + `,"versions":[1]}`)):                                              "versions[0]: is not a string",
		string(record(`{` + pkg + `,"versions":{}}`)):                                               "versions: is not an array",
		string(record(`{` + pkg + `,"versions":[` + strings.Repeat(`"1",`, 1<<16) + `"1"]}`)):       "versions[65536]: more than 65536 versions",
		string(record(events(`{"introduced":"0"}` + strings.Repeat(`,{"introduced":"1"}`, 1<<16)))): "more than 65536 events",
		strings.Repeat(" ", osv.MaxSize+1):                                                          "more than",
	} {
		if _, err := osv.Parse([]byte(doc)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.100s: got %v, want %q", doc, err, want)
		}
	}
	r, err := osv.Parse([]byte(`{"id":"X","modified":"x","withdrawn":"2026-01-01T00:00:00Z"}`))
	if err != nil || r.Withdrawn.IsZero() {
		t.Errorf("got %+v, %v", r, err)
	}
}

// The last event at or before a version says whether it is affected, in whatever order the events are.
func TestRandomRanges(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	number := func() string {
		return fmt.Sprintf("%d.%d%s", r.IntN(4), r.IntN(3), []string{"", "", "rc1", ".post1"}[r.IntN(4)])
	}
	for range 3000 {
		kinds, versions := []string{"introduced"}, []string{number()}
		for range r.IntN(5) {
			kinds = append(kinds, []string{"introduced", "fixed", "last_affected"}[r.IntN(3)])
			versions = append(versions, number())
		}
		var doc []string
		for i := range kinds {
			doc = append(doc, fmt.Sprintf(`{%q:%q}`, kinds[i], versions[i]))
		}
		record, err := osv.Parse(record(events(strings.Join(doc, ","))))
		if err != nil {
			t.Fatal(err)
		}
		version := number()
		want := osv.No
		if lastEvent(t, kinds, versions, version) == "introduced" {
			want = osv.Yes
		}
		if got := record.Affected[0].Status(version); got != want {
			t.Errorf("%s in %v: got %d, want %d", version, doc, got, want)
		}
	}
}

func lastEvent(t *testing.T, kinds, versions []string, version string) (last string) {
	t.Helper()
	parse := func(s string) pep440.Version {
		v, err := pep440.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	var at pep440.Version
	for i, k := range kinds {
		v := parse(versions[i])
		c := parse(version).Compare(v)
		if c < 0 || c == 0 && k == "last_affected" {
			continue
		}
		if last == "" || v.Compare(at) > 0 || v.Compare(at) == 0 && k == "introduced" {
			last, at = k, v
		}
	}
	return last
}

func FuzzParse(f *testing.F) {
	data, err := os.ReadFile("testdata/record.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data, "2.17.0+cpu")
	f.Add(record(events(`{"introduced":"0"},{"limit":"2"}`)), "1")
	f.Fuzz(func(t *testing.T, doc []byte, version string) {
		r, err := osv.Parse(doc)
		if err != nil {
			return
		}
		for _, a := range r.Affected {
			v, err := pep440.Parse(version)
			if err == nil && a.Status(version) == osv.Yes && a.Status(v.Public().String()) != osv.Yes && v.Public().String() == v.String() {
				t.Errorf("%q is affected and %q is not", version, v)
			}
		}
	})
}
