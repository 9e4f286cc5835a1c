package bundle_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/rogpeppe/go-internal/txtar"
)

// probes calls check for every document of a testdata archive, with what should come of it: "ok", or a part of
// an error.
func probes(t *testing.T, archive string, parse func(data []byte) error) {
	a, err := txtar.ParseFile("testdata/" + archive)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(a.Files); i += 2 {
		doc, want := a.Files[i], strings.TrimSuffix(string(a.Files[i+1].Data), "\n")
		name := strings.TrimSuffix(doc.Name, ".json")
		if a.Files[i+1].Name != name+".want" {
			t.Fatalf("%s: no %s.want behind %s", archive, name, doc.Name)
		}
		t.Run(name, func(t *testing.T) {
			err := parse(doc.Data)
			switch {
			case want == "ok" && err != nil:
				t.Errorf("got error %v, want none", err)
			case want != "ok" && err == nil:
				t.Errorf("got no error, want %q", want)
			case want != "ok" && !errors.Is(err, bundle.ErrMalformed):
				t.Errorf("got %v, which is not ErrMalformed", err)
			case want != "ok" && !strings.Contains(err.Error(), want):
				t.Errorf("got error %q, want %q", err, want)
			}
		})
	}
}

func TestParse(t *testing.T) {
	probes(t, "bundle.txtar", func(data []byte) error {
		b, err := bundle.Parse(data)
		if err == nil {
			roundTrip(t, b)
		}
		return err
	})
}

func TestParseStatement(t *testing.T) {
	probes(t, "statement.txtar", func(data []byte) error {
		_, err := bundle.ParseStatement(data)
		return err
	})
}

// The specification's own examples.
func TestSpecification(t *testing.T) {
	vectors := os.Getenv("MODEL_SIGNING_VECTORS")
	if vectors == "" {
		t.Skip("MODEL_SIGNING_VECTORS names no directory with the specification's examples")
	}
	count := 0
	for dir, valid := range map[string]bool{"valid": true, "invalid": false, "invalid-payload": false} {
		names, err := filepath.Glob(filepath.Join(vectors, "spec", dir, "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			count++
			b, err := bundle.ReadFile(name)
			if err == nil {
				_, err = bundle.ParseStatement(b.UnverifiedStatement())
			}
			if valid && err != nil || !valid && !errors.Is(err, bundle.ErrMalformed) {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
	if count < 8 {
		t.Errorf("found only %d examples", count)
	}
}

// roundTrip sees that a bundle that was read can be written and read again, and says the same.
func roundTrip(t *testing.T, b *bundle.Bundle) {
	t.Helper()
	data, err := b.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	again, err := bundle.Parse(data)
	if err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	if string(again.UnverifiedStatement()) != string(b.UnverifiedStatement()) ||
		string(again.Signature()) != string(b.Signature()) || again.Method() != b.Method() {
		t.Errorf("got another bundle back: %s", data)
	}
}

func addProbes(f *testing.F, archive string) {
	a, err := txtar.ParseFile("testdata/" + archive)
	if err != nil {
		f.Fatal(err)
	}
	for i := 0; i < len(a.Files); i += 2 {
		f.Add(a.Files[i].Data)
	}
}
