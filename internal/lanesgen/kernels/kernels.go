// Package kernels is what generators of kernels for amd64 share.
package kernels

import (
	"bytes"
	"fmt"
	"log"
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

// directory returns that of a package, from a generator's own.
func directory(pkg string) string { return filepath.Join("..", "..", pkg) }

// Write writes what generate returns into the directory of a package, or ends the program.
func Write(pkg string, generate func() (Files, error)) {
	files, err := generate()
	for name, text := range files {
		if err == nil {
			err = os.WriteFile(filepath.Join(directory(pkg), name), text, 0o644)
		}
	}
	if err != nil {
		log.Fatalf("generating kernels: %v", err)
	}
}

// Compare reports a file in the directory of a package that is not what generate returns.
func Compare(pkg string, generate func() (Files, error)) error {
	files, err := generate()
	if err != nil {
		return err
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(directory(pkg), name))
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
