package modelsigning_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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

// A program that only uses keys links few modules, and its size is known. With -v the test prints both.
func TestKeyOnlyProgram(t *testing.T) {
	dir := importer(t, "testdata/keyonly/main.go")
	for tags, most := range map[string]int{"": 1000, "nosigstore": 15} {
		list := goCommand(t, dir, "list", "-deps", "-tags="+tags, "-f={{with .Module}}{{.Path}}{{end}}", ".")
		modules := strings.Fields(list)
		slices.Sort(modules)
		modules = slices.DeleteFunc(slices.Compact(modules), func(m string) bool { return m == "example.com/importer" })
		if len(modules) > most {
			t.Errorf("tags %q: links %d modules, want at most %d: %v", tags, len(modules), most, modules)
		}
		program := filepath.Join(dir, "program.exe")
		goCommand(t, dir, "build", "-tags="+tags, "-trimpath", "-ldflags=-s -w", "-o", program, ".")
		info, err := os.Stat(program)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("tags %q: %d modules, %.1f MB: %v", tags, len(modules), float64(info.Size())/1e6, modules)
	}
}

// The examples compile for an importer.
func TestExamplesOutside(t *testing.T) {
	goCommand(t, importer(t, "example_test.go"), "vet", ".")
}

var goBlock = regexp.MustCompile("(?ms)^```go\n(.*?)^```")

// What the README shows is in an example, word for word, and so compiles and does what its output says.
func TestReadmeSnippets(t *testing.T) {
	examples := read(t, "example_test.go")
	blocks := goBlock.FindAllStringSubmatch(read(t, "README.md"), -1)
	if len(blocks) < 3 {
		t.Fatalf("found %d snippets in the README", len(blocks))
	}
	for _, b := range blocks {
		indented := regexp.MustCompile(`(?m)^(.)`).ReplaceAllString(b[1], "\t$1")
		if !strings.Contains(examples, indented) {
			t.Errorf("no example holds this snippet of the README:\n%s", b[1])
		}
	}
}
