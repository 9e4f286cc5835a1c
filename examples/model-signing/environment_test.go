package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/bundle/provenance"
	"github.com/modelsigning/modelsigning/internal/ci"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write golden files")

// What provenance says of a build in each of the systems, whose environments hold secrets.
func TestEnvironmentStatements(t *testing.T) {
	m := &manifest.Manifest{
		Name:          "model",
		Serialization: manifest.Serialization{Method: manifest.Files, Algorithm: manifest.SHA256},
		Resources:     []manifest.Resource{{Path: "weights", Digest: manifest.Digest{Algorithm: manifest.SHA256, Hex: strings.Repeat("1f", 32)}}},
	}
	for _, system := range ci.Systems() {
		t.Run(string(system), func(t *testing.T) {
			name := filepath.Join("testdata/environment", string(system)+".txtar")
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, other := range ci.Systems() {
				for _, v := range ci.Variables(other) {
					t.Setenv(v, "")
				}
			}
			for _, v := range []string{"GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "BUILDER_OUTPUT"} {
				t.Setenv(v, "")
			}
			for line := range strings.Lines(string(a.Files[0].Data)) {
				key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
				t.Setenv(key, value)
			}
			for _, how := range []string{"auto", string(system)} {
				f := createFlags{environment: how}
				b, err := f.read()
				if err != nil {
					t.Fatal(err)
				}
				got, err := provenance.Marshal(m, b)
				if err != nil {
					t.Fatal(err)
				}
				if *update {
					a.Files[1].Data = append(got, '\n')
					if err := os.WriteFile(name, txtar.Format(a), 0o666); err != nil {
						t.Fatal(err)
					}
				}
				if want := string(a.Files[1].Data); string(got)+"\n" != want {
					t.Errorf("%s: got\n%s\nwant\n%s", how, got, want)
				}
				if strings.Contains(string(got), "s3cret-t0ken") {
					t.Errorf("%s: a secret was copied: %s", how, got)
				}
			}
		})
	}
}
