package pypackages_test

import (
	"archive/zip"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/internal/pypackages"
)

// wheel makes a package without content that needs others, and returns its digest.
func wheel(t *testing.T, dir, name, version string, needs ...string) string {
	t.Helper()
	file := filepath.Join(dir, name+"-"+version+"-py3-none-any.whl")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	info := name + "-" + version + ".dist-info/"
	metadata := "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\n"
	for _, n := range needs {
		metadata += "Requires-Dist: " + n + "\n"
	}
	z := zip.NewWriter(f)
	for _, part := range [][2]string{
		{info + "METADATA", metadata},
		{info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		{info + "RECORD", info + "METADATA,,\n" + info + "WHEEL,,\n" + info + "RECORD,,\n"},
	} {
		w, err := z.Create(part[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(part[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(data))
}

// pip runs pip without a network or a configuration, and returns its output.
func pip(t *testing.T, args ...string) []byte {
	t.Helper()
	python := os.Getenv("MODEL_SIGNING_PYTHON")
	if python == "" {
		t.Skip("MODEL_SIGNING_PYTHON names no Python with pip; go run ./internal/check installs it")
	}
	cmd := exec.Command(python, append([]string{"-m", "pip", "--isolated", "--disable-pip-version-check"}, args...)...)
	cmd.Env = append(os.Environ(), "PIP_CONFIG_FILE="+os.DevNull)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("pip %q: %v\n%s", args, err, out)
	}
	return out
}

// What pip itself says of an installation, in the report, by freeze and as what it asks of requirements, is read alike.
func TestRealPip(t *testing.T) {
	dir, target := t.TempDir(), t.TempDir()
	first := wheel(t, dir, "My_First", "1.0rc1+cpu", "my.second>=2")
	second := wheel(t, dir, "my_second", "2.0.post1")
	want := []string{"my-first 1.0rc1+cpu", "my-second 2.0.post1"}
	report := filepath.Join(t.TempDir(), "report.json")
	pip(t, "install", "--quiet", "--no-index", "--find-links", dir, "--pre", "--target", target, "--report", report, "My.First")
	data, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	l, err := pypackages.ParseReport(data)
	check(t, l, err, pypackages.Installation, want...)
	if !l.Packages[0].Direct || l.Packages[1].Direct || l.Packages[0].Digests["sha256"] != first || l.Packages[1].Digests["sha256"] != second {
		t.Errorf("got %+v", l.Packages)
	}

	frozen, err := pypackages.ParseFreeze(pip(t, "freeze", "--path", target))
	check(t, frozen, err, pypackages.Environment, want...)

	text := fmt.Sprintf("--require-hashes\n--pre # of the first\nmy_first[x]==1.0rc1+cpu ; python_version > '3' \\\n  --hash=sha256:%s\nmy_second==2.0.post1 --hash=sha256:%s --hash=sha256:%064d\n",
		first, second, 0)
	file := filepath.Join(dir, "requirements.txt")
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	pip(t, "install", "--quiet", "--no-index", "--find-links", dir, "--target", t.TempDir(), "--requirement", file)
	required, err := pypackages.ParseRequirements([]byte(text))
	check(t, required, err, pypackages.Installation, want...)
}

// The environment that the tests have is read as pip lists it.
func TestRealFreeze(t *testing.T) {
	l, err := pypackages.ParseFreeze(pip(t, "freeze"))
	if err != nil {
		t.Fatal(err)
	}
	listed := string(pip(t, "list", "--format", "freeze"))
	for _, line := range strings.Fields(strings.ToLower(strings.NewReplacer("_", "-", ".", "-").Replace(listed))) {
		name, _, _ := strings.Cut(line, "==")
		there := slices.ContainsFunc(l.Packages, func(p pypackages.Package) bool { return p.Name == name })
		if !there && !pypackages.Unlisted(name) {
			t.Errorf("%s is not in the list", name)
		}
	}
}
