package inside_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/internal/inside"
)

func TestPath(t *testing.T) {
	dir := t.TempDir()
	model := filepath.Join(dir, "model")
	for _, d := range []string{filepath.Join(model, "sub"), filepath.Join(dir, "model2")} {
		if err := os.MkdirAll(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(model, "sub"), link); err != nil {
		t.Log("no symbolic links here: ", err)
		link = filepath.Join(model, "sub")
	}
	for file, want := range map[string]string{
		filepath.Join(model, "model.sig"):             "model.sig",
		filepath.Join(model, "sub", "model.sig"):      "sub/model.sig",
		filepath.Join(model, "sub", "..", "..", "x"):  "",
		filepath.Join(model, "sub") + "/../model.sig": "model.sig",
		filepath.Join(link, "model.sig"):              "sub/model.sig",
		filepath.Join(dir, "model.sig"):               "",
		filepath.Join(dir, "model2", "model.sig"):     "",
		filepath.Join(dir, "model", "..model.sig"):    "..model.sig",
		model: "",
	} {
		got, err := inside.Paths(model, file)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, %v, want %q", file, got, err, want)
		}
	}
	if _, err := inside.Paths(model, filepath.Join(dir, "none", "model.sig")); err == nil {
		t.Error("got no error for a directory that is not there")
	}
}

// Links in a model that lead out of it, and links elsewhere that lead into it.
func TestPathsThroughLinks(t *testing.T) {
	dir := t.TempDir()
	model, out := filepath.Join(dir, "model"), filepath.Join(dir, "out")
	for _, d := range []string{model, out} {
		if err := os.Mkdir(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(model, "file"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{
		filepath.Join(model, "link"):   out,
		filepath.Join(model, "second"): "file",
		filepath.Join(out, "back"):     filepath.Join(model, "file"),
	} {
		if err := os.Symlink(target, link); err != nil {
			t.Skip("no symbolic links here: ", err)
		}
	}
	for file, want := range map[string]string{
		filepath.Join(model, "link", "model.sig"): "link/model.sig",
		filepath.Join(model, "second"):            "second file",
		filepath.Join(out, "back"):                "file",
		filepath.Join(out, "model.sig"):           "",
	} {
		if got, err := inside.Paths(model, file); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, %v, want %q", file, got, err, want)
		}
	}
}
