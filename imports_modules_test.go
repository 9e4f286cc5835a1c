package modelsigning_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Packages manifest and hashing bring these modules and no others: what is built on them elsewhere must not make
// importers pay for more.
func TestHashingModules(t *testing.T) {
	allowed := []string{"github.com/klauspost/cpuid/v2", "golang.org/x/crypto", "golang.org/x/sys", "lukechampine.com/blake3", module}
	for _, pkg := range []string{"./manifest", "./hashing"} {
		cmd := exec.Command("go", "list", "-deps", "-f={{with .Module}}{{.Path}}{{end}}", pkg)
		cmd.Dir = repository
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range strings.Fields(string(out)) {
			if !slices.Contains(allowed, m) || pkg == "./manifest" && m != module {
				t.Errorf("%s brings %s", pkg, m)
			}
		}
	}
}
