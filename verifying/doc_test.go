package verifying_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The package's documentation has every error of the package. What is also another one comes first.
func TestErrorsInDocumentation(t *testing.T) {
	var docs string
	var names []string
	for _, name := range must(filepath.Glob("*.go")) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file := must(parser.ParseFile(token.NewFileSet(), name, must(os.ReadFile(name)), parser.ParseComments))
		docs += file.Doc.Text()
		for name, object := range file.Scope.Objects {
			switch {
			case object.Kind == ast.Var && strings.HasPrefix(name, "Err"), object.Kind == ast.Typ && ast.IsExported(name) && strings.HasSuffix(name, "Error"):
				names = append(names, name)
			}
		}
	}
	if len(names) < 10 {
		t.Fatalf("found only %q", names)
	}
	for _, name := range names {
		if !strings.Contains(docs, name) {
			t.Errorf("the documentation does not list %s", name)
		}
	}
	for _, order := range [][2]string{
		{"\tErrTimestamp ", "\tErrCertificate "}, // of a certificate's bundle
		{"\thashing.ErrSymlink ", "\t*fs.PathError "},
		{"\tErrTarget ", "\tfs.ErrExist "},
		{"\tErrUnverified ", "\t*fs.PathError "},
		{"\tfs.ErrExist ", "\t*fs.PathError "},
	} {
		first, second := strings.Index(docs, order[0]), strings.Index(docs, order[1])
		if first < 0 || second < first {
			t.Errorf("the documentation does not list %q before %q", order[0], order[1])
		}
	}
}
