// Command blake3lanes writes the assembly of the package of that name and its Go declarations. Run it with go generate
// in that package; go test here checks that what is committed is what it writes.
package main

import (
	"log"

	"github.com/mmcloughlin/avo/build"
	"github.com/modelsigning/modelsigning/internal/lanesgen/kernels"
)

const pkg = "blake3lanes"

func main() {
	files, err := generate()
	if err == nil {
		err = files.Write("../../" + pkg)
	}
	if err != nil {
		log.Fatalf("generating kernels: %v", err)
	}
}

func generate() (kernels.Files, error) {
	return kernels.Generate(pkg, func(c *build.Context) {
		k := newKernel(c)
		k.chunks()
		k.parents()
	})
}
