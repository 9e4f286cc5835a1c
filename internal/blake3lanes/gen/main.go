// Command gen writes the assembly of package blake3lanes and its Go declarations. Run it with go generate
// in that package; go test here checks that what is committed is what it writes.
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

const (
	assembly     = "kernels_amd64.s"
	declarations = "kernels_amd64.go"
)

func main() {
	files, err := generate()
	if err != nil {
		log.Fatalf("generating kernels: %v", err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join("..", name), text, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// generate returns the generated files by name.
func generate() (map[string][]byte, error) {
	c := build.NewContext()
	c.ConstraintExpr("amd64,!purego")
	k := newKernel(c)
	k.chunks()
	k.parents()

	file, err := c.Result()
	if err != nil {
		return nil, err
	}
	if err := pass.Compile.Execute(file); err != nil {
		return nil, err
	}
	cfg := printer.Config{Argv: []string{"go", "generate"}, Pkg: "blake3lanes"}
	files := map[string][]byte{}
	for name, p := range map[string]printer.Printer{
		assembly:     printer.NewGoAsm(cfg),
		declarations: printer.NewStubs(cfg),
	} {
		if files[name], err = p.Print(file); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return files, nil
}
