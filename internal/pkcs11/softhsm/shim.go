//go:build cgo

package softhsm

import (
	_ "embed"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

//go:embed testdata/shim.c
var shimSource []byte

// A Shim is a module that passes all calls on to another one, and can be made to fail as devices do.
type Shim struct {
	Module string
	state  string
}

// NewShim makes a module around another one. It needs a C compiler, as cgo does.
func NewShim(t testing.TB, real string) Shim {
	t.Helper()
	dir := t.TempDir()
	s := Shim{filepath.Join(dir, "libshim.so"), dir}
	source := filepath.Join(dir, "shim.c")
	if err := os.WriteFile(source, shimSource, 0o600); err != nil {
		t.Fatal(err)
	}
	headers := strings.TrimSpace(run(t, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/miekg/pkcs11"))
	compiler := strings.Fields(run(t, "go", "env", "CC"))
	run(t, compiler[0], append(compiler[1:], "-shared", "-fPIC", "-I"+headers, `-DREAL="`+real+`"`, `-DSTATE="`+dir+`"`,
		"-o", s.Module, source, "-ldl")...)
	return s
}

// Set makes the module fail in a way that testdata/shim.c lists.
func (s Shim) Set(t testing.TB, way, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.state, way), []byte(content), 0o600); err != nil {
		t.Error(err)
	}
}

// Unset undoes Set.
func (s Shim) Unset(t testing.TB, way string) {
	t.Helper()
	if err := os.Remove(filepath.Join(s.state, way)); err != nil {
		t.Error(err)
	}
}

// Calls returns how often a function was called since [Shim.Forget], with the result, such as "0x0" or "0xa0".
func (s Shim) Calls(t testing.TB, function, result string) int {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.state, "calls"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	n := 0
	for call := range strings.Lines(string(data)) {
		if call == function+" "+result+"\n" {
			n++
		}
	}
	return n
}

// Forget forgets all calls.
func (s Shim) Forget(t testing.TB) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(s.state, "calls")); err != nil {
		t.Fatal(err)
	}
}
