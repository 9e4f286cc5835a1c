// Package kernels is what generators of kernels for amd64 share.
package kernels

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
	"github.com/mmcloughlin/avo/reg"
)

// Files are the texts of generated files by name.
type Files map[string][]byte

// Generate returns the assembly that emit writes, and its declarations for the package with that name.
func Generate(pkg string, emit func(*build.Context)) (Files, error) {
	c := build.NewContext()
	c.ConstraintExpr("amd64,!purego")
	emit(c)
	file, err := c.Result()
	if err != nil {
		return nil, err
	}
	if err := pass.Compile.Execute(file); err != nil {
		return nil, err
	}
	cfg := printer.Config{Argv: []string{"go", "generate"}, Pkg: pkg}
	files := Files{}
	for name, p := range map[string]printer.Printer{
		"kernels_amd64.s":  printer.NewGoAsm(cfg),
		"kernels_amd64.go": printer.NewStubs(cfg),
	} {
		if files[name], err = p.Print(file); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return files, nil
}

// Write writes the files into a directory.
func (f Files) Write(dir string) error {
	for name, text := range f {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Compare reports a file of a directory that is not what was generated.
func (f Files) Compare(dir string) error {
	for name, want := range f {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("%s is not what the generator writes: run go generate", name)
		}
	}
	return nil
}

// Function begins a kernel. All are leaves without a frame, so a fault while they read a mapped file
// unwinds through them like through any other function; the caller gives them the memory that they need.
func Function(c *build.Context, name, signature string, doc ...string) {
	c.Function(name)
	c.Attributes(attr.NOSPLIT | attr.NOFRAME)
	c.Pragma("noescape")
	c.Doc(doc...)
	c.SignatureExpr(signature)
}

// LoadAligned loads a parameter, an address, and raises it to the first that begins a cache line.
func LoadAligned(c *build.Context, param string, r reg.GPPhysical) {
	c.Load(c.Param(param), r)
	c.ADDQ(operand.Imm(63), r)
	c.ANDQ(operand.I8(-64), r)
}

// ZMM are the vector registers.
var ZMM = []reg.VecPhysical{
	reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7,
	reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
	reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23,
	reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
}
