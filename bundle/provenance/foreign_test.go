package provenance_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/bundle/provenance"
)

// wide is an object with as many members as those of GitHub's events may have.
func wide(n int) string {
	members := make([]string, n)
	for i := range members {
		members[i] = fmt.Sprintf(`"member %d":null`, i)
	}
	return "{" + strings.Join(members, ",") + "}"
}

const digest = `"0000000000000000000000000000000000000000000000000000000000000001"`

// generator is a statement as slsa-github-generator makes them.
var generator = `{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://slsa.dev/provenance/v0.2",
 "subject":[{"name":"model.onnx","digest":{"sha256":` + digest + `}}],
 "predicate":{"builder":{"id":"https://github.com/x/y/.github/workflows/z.yml@refs/tags/v2.1.0"},
  "buildType":"https://github.com/slsa-framework/slsa-github-generator/generic@v1",
  "invocation":{"configSource":{"uri":"git+https://github.com/example/finbert@refs/heads/main","digest":{"sha1":"` + commit + `"},"entryPoint":".github/workflows/train.yml"},
   "environment":{"github_event_name":"workflow_dispatch","github_event_payload":{"inputs":{"epochs":"3","dry":true,"none":null},"repository":` + wide(100) + `}}},
  "metadata":{"buildInvocationID":"135-1","completeness":{"parameters":true},"buildStartedOn":"2026-11-25T08:00:00Z","buildFinishedOn":"yesterday"},
  "materials":[{"uri":"git+https://github.com/example/finbert@refs/heads/main","digest":{"sha1":"` + commit + `"}},{"uri":"pkg:pypi/torch@2.5.1"}]}}`

// workflow is a statement as GitHub's artifact attestations are.
var workflow = `{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://slsa.dev/provenance/v1",
 "subject":[{"name":"model.onnx","digest":{"sha256":` + digest + `}}],
 "predicate":{"buildDefinition":{"buildType":"https://actions.github.io/buildtypes/workflow/v1",
   "externalParameters":{"workflow":{"ref":"refs/heads/main","repository":"https://github.com/example/finbert","path":".github/workflows/train.yml"},"inputs":{"epochs":"3","dry":true}},
   "internalParameters":{"github":{"event_name":"workflow_dispatch","repository_id":"1"}},
   "resolvedDependencies":[{"uri":"git+https://github.com/example/finbert@refs/heads/main","digest":{"gitCommit":"` + commit + `"}},{"uri":"pkg:pypi/torch@2.5.1"}]},
  "runDetails":{"builder":{"id":"https://github.com/x/y/.github/workflows/z.yml@refs/tags/v2.1.0"},"metadata":{"invocationId":"135-1","startedOn":"2026-11-25T08:00:00Z"},"byproducts":[{"name":"log"}]}},
 "unknown":true}`

func TestForeign(t *testing.T) {
	for name, statement := range map[string]string{"generator": generator, "workflow": workflow} {
		s, err := provenance.Parse([]byte(statement))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := newBuild()
		want.Source = provenance.Source{URI: "https://github.com/example/finbert", Ref: "refs/heads/main", Commit: commit}
		want.Inputs = map[string]string{"epochs": "3", "dry": "true"}
		want.Trigger, want.InvocationID = "workflow_dispatch", "135-1"
		want.Builder = provenance.Builder{ID: "https://github.com/x/y/.github/workflows/z.yml@refs/tags/v2.1.0"}
		want.FinishedOn, want.PackagesComplete = want.FinishedOn.AddDate(-5000, 0, 0), false
		got := s.Build
		if len(got.Dependencies) != 2 || got.Dependencies[1].URI != "pkg:pypi/torch@2.5.1" {
			t.Errorf("%s: dependencies %+v", name, got.Dependencies)
		}
		if !got.FinishedOn.IsZero() {
			t.Errorf("%s: finished on %v", name, got.FinishedOn)
		}
		got.Dependencies, want.Dependencies, got.FinishedOn = nil, nil, want.FinishedOn
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", name, got, want)
		}
		if s.Manifest != nil || len(s.Subjects) != 1 || s.Subjects[0].Name != "model.onnx" {
			t.Errorf("%s: subjects %+v, manifest %v", name, s.Subjects, s.Manifest)
		}
	}
}

func TestForeignRefused(t *testing.T) {
	change := func(old, with string) []byte {
		for _, statement := range []string{generator, workflow} {
			if strings.Contains(statement, old) {
				return []byte(strings.Replace(statement, old, with, 1))
			}
		}
		t.Fatalf("%s stands nowhere", old)
		return nil
	}
	subjects := strings.Repeat(`{"name":"x","digest":{"sha256":`+digest+`}},`, provenance.MaxSubjects)
	for want, statement := range map[string][]byte{
		"_type: \"https://in-toto.io/Statement/v2\"": change("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v2"),
		"is not SLSA provenance":                     change("https://slsa.dev/provenance/v1", "https://model_signing/signature/v1.0"),
		"there is no buildType":                      change(`"buildType"`, `"buildKind"`),
		"there is no builder.id":                     change(`"builder":{"id"`, `"builder":{"uri"`),
		"subject: there is none":                     change(`{"name":"model.onnx","digest":{"sha256":`+digest+`}}`, ""),
		"subject[0]: digest is missing":              change(`"digest":{"sha256":`+digest+`}`, `"x":1`),
		"limit of 1024":                              change(`"subject":[`, `"subject":[`+subjects),
		"limit of 32":                                change(`{"sha256":`, digests(33)),
		"more than 256 members":                      change(wide(100), wide(257)),
		"buildType: is there twice":                  change(`"buildType":`, `"buildType":"x","buildType":`),
		"predicate: is there twice":                  change(`"predicate":`, `"predicate":{"buildType":"x"},"predicate":`),
		"build_type: is there twice":                 change(`"buildType":`, `"buildType":"x","build_type":`),
		"source is at the commit":                    change(`"materials":[`, `"materials":[{"uri":"git+https://github.com/example/finbert","digest":{"gitCommit":"1`+commit[1:]+`"}},`),
		"at the commit \"2":                          change(`"digest":{"sha1":"`+commit+`"},"entryPoint"`, `"digest":{"gitCommit":"2`+commit[1:]+`"},"entryPoint"`),
		"is not a string":                            change(`"repository":"https`, `"repository":1,"x":"https`),
		"behind the end":                             append(change("x", "x"), '}'),
		"is not an object":                           nil,
		"more than the limit of 16777216":            change(`"unknown":true`, `"unknown":"`+strings.Repeat("x", provenance.MaxForeign)+`"`),
	} {
		if _, err := provenance.Parse(statement); !errors.Is(err, bundle.ErrMalformed) || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %q", err, want)
		}
	}
}

// Other readers look for the build type where its version of the predicate has it.
func TestForeignBuildType(t *testing.T) {
	elsewhere := strings.Replace(workflow, `"buildDefinition":{"buildType":"https://actions.github.io/buildtypes/workflow/v1",`,
		`"buildType":"https://actions.github.io/buildtypes/workflow/v1","buildDefinition":{`, 1)
	if s, err := provenance.Parse([]byte(elsewhere)); err == nil || !strings.Contains(err.Error(), "there is no buildType") {
		t.Errorf("v1: got %+v, %v", s, err)
	}
	const own = `"buildDefinition":{"buildType":"https://actions.github.io/buildtypes/workflow/v1"},`
	s, err := provenance.Parse([]byte(strings.Replace(generator, `"buildType"`, own+`"buildType"`, 1)))
	if err != nil || s.BuildType != "https://github.com/slsa-framework/slsa-github-generator/generic@v1" {
		t.Errorf("v0.2: got %+v, %v", s, err)
	}
}

func digests(n int) string {
	var b strings.Builder
	b.WriteString("{")
	for i := range n {
		fmt.Fprintf(&b, `"algorithm %d":"x",`, i)
	}
	return b.String() + `"sha256":`
}

// A material at another reference of the same repository says nothing of the source.
func TestForeignOtherReference(t *testing.T) {
	other := strings.Replace(generator, `"materials":[`, `"materials":[{"uri":"git+https://github.com/example/finbert@refs/heads/data","digest":{"sha1":"3`+commit[1:]+`"}},`, 1)
	s, err := provenance.Parse([]byte(other))
	if err != nil || s.Build.Source.Commit != commit {
		t.Errorf("got %+v, %v", s, err)
	}
}

// Only the build type of this package makes a byproduct the model.
func TestForeignByproduct(t *testing.T) {
	statement := marshal(t, newManifest("finbert", savedModel), newBuild())
	other := bytes.Replace(statement, []byte(provenance.BuildType), []byte("https://example.com/build"), 1)
	s, err := provenance.Parse(other)
	if err != nil {
		t.Fatal(err)
	}
	if s.Manifest != nil || s.Build.Source.URI != "" || s.Build.Inputs != nil {
		t.Errorf("read %+v of a build type that is not known", s)
	}
}

func FuzzParse(f *testing.F) {
	// Small ones, since what is found is made smaller first.
	for _, statement := range []string{
		strings.Replace(generator, wide(100), "{}", 1), workflow,
		string(marshal(f, newManifest("finbert", map[string]string{"w": "x"}), newBuild())),
	} {
		f.Add([]byte(statement))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := provenance.Parse(data)
		if err != nil {
			if !errors.Is(err, bundle.ErrMalformed) {
				t.Errorf("got error %v", err)
			}
			return
		}
		if !json.Valid(data) {
			t.Error("is not JSON, and was read")
		}
		if s.Manifest == nil {
			return
		}
		again := marshal(t, s.Manifest, s.Build)
		read, err := provenance.Parse(again)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(marshal(t, read.Manifest, read.Build), again) {
			t.Error("is written in another way when it was read again")
		}
	})
}
