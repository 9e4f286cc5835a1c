package main

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-openapi/spec"
	"github.com/go-openapi/strfmt"
	"github.com/go-openapi/validate"
	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/verifying"
	"github.com/spf13/cobra"
)

// outputSchema reads what docs/command-line.md promises.
var outputSchema = sync.OnceValues(func() (*spec.Schema, error) {
	data, err := os.ReadFile("schema/output.schema.json")
	if err != nil {
		return nil, err
	}
	s := new(spec.Schema)
	if err := json.Unmarshal(data, s); err != nil {
		return nil, err
	}
	return s, spec.ExpandSchema(s, s, nil)
})

// checkOutput says what is wrong with the standard output of a command with --output json.
func checkOutput(out string) error {
	s, err := outputSchema()
	if err != nil {
		return err
	}
	var doc any
	dec := json.NewDecoder(strings.NewReader(out))
	dec.UseNumber() // since float64 has not all integers
	if err := dec.Decode(&doc); err != nil {
		return err
	}
	return validate.AgainstSchema(s, doc, strfmt.Default)
}

// The schema is one that refuses.
func TestSchemaRefuses(t *testing.T) {
	const digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	good := `{"digest":{"model":"m","root_digest":"` + digest + `","serialization":{"method":"files","hash_type":"sha256","allow_symlinks":false,"ignore_paths":null},"resource_count":1}}`
	if err := checkOutput(good); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{`"model":"m",`, ``},
		{`"model":"m"`, `"model":1`},
		{`"model":"m"`, `"model":"m","more":1`},
		{`"files"`, `"folders"`},
		{digest, digest[1:]},
		{digest, strings.ToUpper(digest)},
		{`{"digest"`, `{"other":{},"digest"`},
		{`{"digest"`, `{"verified"`},
		{`null`, `[""]`},
		{`"resource_count":1`, `"resource_count":-1`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good {
			t.Fatalf("%q changes nothing", change)
		}
		if checkOutput(bad) == nil {
			t.Errorf("the schema takes %s", bad)
		}
	}
}

// Every kind of error is one of the schema, and the other way round, and stands in the docs, as all
// members do.
func TestKindsInSchema(t *testing.T) {
	s, err := outputSchema()
	if err != nil {
		t.Fatal(err)
	}
	failure := s.Properties["error"]
	names := failure.Properties["kind"].Enum
	docs, err := os.ReadFile("../../docs/command-line.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range s.Properties {
		if !strings.Contains(string(docs), "| `"+name+"` |") {
			t.Errorf("docs/command-line.md does not have the member %q", name)
		}
	}
	for _, k := range kinds {
		if !strings.Contains(string(docs), "`"+k.name+"`") {
			t.Errorf("docs/command-line.md does not have the kind %q", k.name)
		}
		if !slices.Contains(names, any(k.name)) {
			t.Errorf("the schema does not have the kind %q", k.name)
		}
	}
	if len(names) != len(kinds)+1 || !slices.Contains(names, any("failed")) {
		t.Errorf("the schema has %d kinds, want %d", len(names), len(kinds)+1)
	}
}

func TestWriteJSON(t *testing.T) {
	hostile := "<&>\u2028\x1b[2J\x7f\u009b2J\u202egnp\U000e0041é模\xff\n"
	var b bytes.Buffer
	if err := writeJSON(&b, "name", hostile); err != nil {
		t.Fatal(err)
	}
	want := `{"name":"<&>\u2028\u001b[2J\u007f\u009b2J\u202egnp\udb40\udc41é模` + "\ufffd" + `\n"}` + "\n"
	if got := b.String(); got != want && strings.ReplaceAll(got, `\ufffd`, "\ufffd") != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var back map[string]string
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || back["name"] != strings.ToValidUTF8(hostile, "\ufffd") {
		t.Errorf("got back %q, %v", back, err)
	}
}

func TestWantsJSON(t *testing.T) {
	for args, want := range map[string]bool{
		"digest m --output json":               true,
		"--output=json digest m":               true,
		"--output=json digest --output text m": false,
		"--output":                             false,
		"digest -- --output json":              false,
		"digest --signature json":              false,
	} {
		if got := wantsJSON(strings.Fields(args)); got != want {
			t.Errorf("%s: got %t", args, got)
		}
	}
}

// Every command says in JSON what is wrong with its arguments.
func TestEveryCommandAsJSON(t *testing.T) {
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			visit(sub)
		}
		args := append(strings.Fields(c.CommandPath())[1:], "--no-such-flag", "--output", "json")
		root := newRoot()
		root.SetArgs(args)
		err := root.Execute()
		if err == nil {
			t.Fatalf("%q: succeeds", args)
		}
		var out bytes.Buffer
		reportError(&out, args, err)
		if err := checkOutput(out.String()); err != nil || !strings.HasPrefix(out.String(), `{"error":{"kind":"usage","exit_code":2,`) {
			t.Errorf("%q: %s, %v", args, &out, err)
		}
	}
	visit(newRoot())
}

func TestSignerAsJSON(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600))
	got := newSigner(verifying.Identity{
		Method: bundle.Sigstore, Subject: "a@example.com", Issuer: "https://oidc.example.com",
		Certificates: []*x509.Certificate{{Raw: []byte("test")}}, Time: at, TimeSource: "transparency log",
	})
	want := signer{
		"sigstore", "a@example.com", "https://oidc.example.com",
		"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "2026-01-02T02:04:05Z", "transparency log",
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	var out bytes.Buffer
	c := content{want.Certificate, serialization{Method: "files", HashType: "blake3"}, 1}
	if err := writeJSON(&out, "verified", verified{"m", "s", got, c, list(nil), []string{"a"}, nil, ""}); err != nil {
		t.Fatal(err)
	}
	if err := checkOutput(out.String()); err != nil {
		t.Error(err)
	}
}

func TestConflictAsJSON(t *testing.T) {
	f := newFailure(&hashing.ConflictError{Field: "allow_symlinks", Signed: false, Configured: true})
	if want := (conflict{"allow_symlinks", "false", "true"}); f.Kind != "conflict" || f.ExitCode != exitUsage || *f.Conflict != want {
		t.Errorf("got %+v", f)
	}
}
