package inside_test

import (
	"os"
	"path/filepath"
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
		got, ok, err := inside.Path(model, file)
		if err != nil || got != want || ok != (want != "") {
			t.Errorf("%s: got %q, %t, %v, want %q", file, got, ok, err, want)
		}
	}
	if _, _, err := inside.Path(model, filepath.Join(dir, "none", "model.sig")); err == nil {
		t.Error("got no error for a directory that is not there")
	}
}
