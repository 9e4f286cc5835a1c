// Command blake3lanes writes the assembly of the package of that name and its Go declarations. Run it with go generate
// in that package; go test here checks that what is committed is what it writes.
package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/modelsigning/modelsigning/internal/lanesgen/kernels"
)

const pkg = "blake3lanes"

func main() { kernels.Write(pkg, generate) }

func generate() (kernels.Files, error) {
	return kernels.Generate(pkg, func(c *build.Context) {
		k := newKernel(c)
		k.chunks()
		k.parents()
	})
}
