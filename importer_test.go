package modelsigning_test

import (
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// importer makes a module outside of the repository that imports it, with the given files of the repository.
func importer(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	mod := read(t, "go.mod")
	_, required, ok := strings.Cut(mod, "\n") // all but the module's name
	if !ok {
		t.Fatalf("go.mod is %q", mod)
	}
	mod = fmt.Sprintf("module example.com/importer\n%s\nrequire %s v0.0.0\nreplace %[2]s => %q\n", required, module, repository)
	write(t, filepath.Join(dir, "go.mod"), mod)
	write(t, filepath.Join(dir, "go.sum"), read(t, "go.sum"))
	for _, f := range files {
		write(t, filepath.Join(dir, filepath.Base(f)), read(t, f))
	}
	return dir
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(repository, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, name, data string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(data), 0o666); err != nil {
		t.Fatal(err)
	}
}

// goCommand runs the go command in an importer's directory, without cgo, and returns what it prints.
func goCommand(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=mod", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// A program that only uses keys links as many modules as the README says, few of them with the tag nosigstore, and
// its size is about what the README says. With -v the test prints both.
func TestKeyOnlyProgram(t *testing.T) {
	dir := importer(t, "testdata/keyonly/main.go")
	readme := read(t, "README.md")
	for tags, row := range map[string]string{"": "none", "nosigstore": "`nosigstore`"} {
		modules := linked(t, dir, tags)
		if tags == "nosigstore" && len(modules) > 15 {
			t.Errorf("links %d modules, want at most 15: %v", len(modules), modules)
		}
		for _, m := range []string{"github.com/ThalesGroup/crypto11", "github.com/miekg/pkcs11"} {
			if slices.Contains(modules, m) {
				t.Errorf("tags %q: links %s, without cgo", tags, m)
			}
		}
		if slices.Contains(modules, "go.opentelemetry.io/otel") != (tags == "") { // as the README and package tracing say
			t.Errorf("tags %q: links %v", tags, modules)
		}
		size := programSize(t, dir, tags)
		t.Logf("| %s | %d | %.1f MB |", row, len(modules), size)
		t.Log(modules)
		claim := regexp.MustCompile(`\| ` + row + ` \| (\d+) \| ([0-9.]+) MB \|`).FindStringSubmatch(readme)
		if claim == nil {
			t.Fatalf("README.md has no row for the build tag %q", tags)
		}
		if claim[1] != strconv.Itoa(len(modules)) {
			t.Errorf("tags %q: links %d modules, and README.md says %s", tags, len(modules), claim[1])
		}
		said, err := strconv.ParseFloat(claim[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS+"/"+runtime.GOARCH == "linux/amd64" && math.Abs(size-said) > said/20 {
			t.Errorf("tags %q: the program has %.1f MB, and README.md says %s", tags, size, claim[2])
		}
	}
}

// linked returns the modules that the importer's program consists of, without the importer.
func linked(t *testing.T, dir, tags string) []string {
	t.Helper()
	list := goCommand(t, dir, "list", "-deps", "-tags="+tags, "-f={{with .Module}}{{.Path}}{{end}}", ".")
	modules := strings.Fields(list)
	slices.Sort(modules)
	return slices.DeleteFunc(slices.Compact(modules), func(m string) bool { return m == "example.com/importer" })
}

// programSize returns how many millions of bytes the importer's program has.
func programSize(t *testing.T, dir, tags string) float64 {
	t.Helper()
	program := filepath.Join(dir, "program.exe")
	goCommand(t, dir, "build", "-tags="+tags, "-trimpath", "-ldflags=-s -w", "-o", program, ".")
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	return float64(info.Size()) / 1e6
}

// exampleFiles returns the files with examples: one for the README, the others for the docs.
func exampleFiles(t *testing.T) []string {
	t.Helper()
	names, err := fs.Glob(os.DirFS(repository), "example_*test.go")
	if err != nil || len(names) < 2 {
		t.Fatalf("found %q, %v", names, err)
	}
	return names
}

// The examples compile for an importer.
func TestExamplesOutside(t *testing.T) {
	goCommand(t, importer(t, exampleFiles(t)...), "vet", ".")
}

var goBlock = regexp.MustCompile("(?ms)^```go\n(.*?)^```")

// What the README and the docs show is in an example, word for word, and so compiles; what the README shows also
// does what its output says.
func TestSnippets(t *testing.T) {
	pages, err := fs.Glob(os.DirFS(repository), "docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := map[string]string{"README.md": read(t, "example_test.go")}
	var docs strings.Builder
	for _, name := range exampleFiles(t) {
		docs.WriteString(read(t, name))
	}
	for _, page := range pages {
		examples[page] = docs.String()
	}
	count := 0
	for page, example := range examples {
		for _, b := range goBlock.FindAllStringSubmatch(read(t, page), -1) {
			count++
			indented := regexp.MustCompile(`(?m)^(.)`).ReplaceAllString(b[1], "\t$1")
			if !strings.Contains(example, indented) {
				t.Errorf("no example holds this snippet of %s:\n%s", page, b[1])
			}
		}
	}
	if count < 10 {
		t.Errorf("found only %d snippets", count)
	}
}
