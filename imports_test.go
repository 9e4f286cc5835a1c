package modelsigning_test

import (
	"encoding/json"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/modelsigning/modelsigning"

// The edges that the library's shape forbids: an importer pays for what a package brings with it.
var forbidden = []struct {
	pkg   string // of this module
	never []string
}{
	{"hashing", []string{"google.golang.org/protobuf", "github.com/sigstore", "go.opentelemetry.io", module + "/bundle"}},
	{"bundle", []string{module + "/hashing"}},
	{"bundle/provenance", []string{module + "/hashing"}},
	{"signing", []string{module + "/verifying"}},
	{"verifying", []string{module + "/signing"}},
}

// Modules that only one package may import.
var reserved = map[string]string{
	"github.com/sigstore/sigstore-go":  "internal/sigstore",
	"github.com/ThalesGroup/crypto11":  "internal/pkcs11",
	"github.com/miekg/pkcs11":          "internal/pkcs11",
	"go.opentelemetry.io/otel":         "verifying/tracing",
	"github.com/ThalesIgnite/crypto11": "none: it ended in 2021",
}

type goPackage struct {
	ImportPath    string
	Standard      bool
	GoFiles       []string
	CgoFiles      []string
	Imports, Deps []string
}

// packages lists packages, given as to go list, and all that they depend on.
func packages(t *testing.T, patterns ...string) map[string]goPackage {
	t.Helper()
	args := []string{"list", "-deps", "-json=ImportPath,Standard,GoFiles,CgoFiles,Imports,Deps"}
	cmd := exec.Command("go", append(args, patterns...)...)
	cmd.Dir = repository
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]goPackage{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); err == io.EOF {
			return found
		} else if err != nil {
			t.Fatal(err)
		}
		found[p.ImportPath] = p
	}
}

// below says whether a package is the named one, or lies in it or its module.
func below(pkg, name string) bool { return pkg == name || strings.HasPrefix(pkg, name+"/") }

func TestImports(t *testing.T) {
	all := packages(t, "./...")
	if root := all[module]; !slices.Equal(root.GoFiles, []string{"doc.go"}) || len(root.Imports) > 0 {
		t.Errorf("the root package is more than doc.go: %v", root)
	}
	for _, dep := range all[module+"/manifest"].Deps {
		if !all[dep].Standard {
			t.Errorf("manifest imports %s, which is not in the standard library", dep)
		}
	}
	for _, rule := range forbidden {
		p, ok := all[module+"/"+rule.pkg]
		if !ok {
			t.Fatalf("there is no package %s", rule.pkg)
		}
		for _, dep := range p.Deps {
			for _, never := range rule.never {
				if below(dep, never) {
					t.Errorf("%s imports %s", rule.pkg, dep)
				}
			}
		}
	}
}

func TestReservedImports(t *testing.T) {
	for _, p := range packages(t, "./...") {
		if !below(p.ImportPath, module) {
			continue
		}
		for _, dep := range p.Imports {
			for name, only := range reserved {
				if below(dep, name) && !below(p.ImportPath, module+"/"+only) {
					t.Errorf("%s imports %s, which is for %s", p.ImportPath, dep, only)
				}
			}
		}
	}
}

// With the build tag nosigstore, nothing of Sigstore is left but its message types and its verifier of RFC 3161
// timestamps, which certificates need.
func TestNoSigstore(t *testing.T) {
	for path := range packages(t, "-tags=nosigstore", "./signing", "./verifying") {
		if below(path, "go.opentelemetry.io") {
			t.Errorf("-tags=nosigstore brings %s, which is for package tracing", path)
		}
		if below(path, "github.com/sigstore") && !below(path, "github.com/sigstore/protobuf-specs") &&
			path != "github.com/sigstore/timestamp-authority/v2/pkg/verification" {
			t.Errorf("-tags=nosigstore still brings %s", path)
		}
	}
}

// The library reads no environment variable but where ambient credentials are asked for: neither by itself nor by what
// of the standard library does so.
func TestNoEnvironment(t *testing.T) {
	reads := regexp.MustCompile(`\b(os\.(Getenv|LookupEnv|Environ|ExpandEnv|UserHomeDir|UserCacheDir|UserConfigDir|TempDir)|` +
		`http\.(ProxyFromEnvironment|DefaultClient|Get|Post|Head|PostForm)|tuf\.(DefaultOptions|DefaultClient))\b`)
	for _, p := range packages(t, "./hashing", "./bundle", "./signing", "./verifying") {
		if !below(p.ImportPath, module) {
			continue
		}
		dir := strings.TrimPrefix(p.ImportPath, module+"/")
		for _, name := range slices.Concat(p.GoFiles, p.CgoFiles) {
			if dir+"/"+name == "internal/oidc/ambient.go" {
				continue
			}
			for i, line := range strings.Split(read(t, dir+"/"+name), "\n") {
				code, _, _ := strings.Cut(line, "//")
				if found := reads.FindString(code); found != "" {
					t.Errorf("%s/%s:%d: %s", dir, name, i+1, found)
				}
			}
		}
	}
}
