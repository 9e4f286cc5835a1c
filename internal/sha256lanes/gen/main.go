// Command gen writes the assembly of package sha256lanes and its Go declarations. Run it with go generate
// in that package; go test here checks that what is committed is what it writes.
package main

import (
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

const (
	assembly        = "kernels_amd64.s"
	declarations    = "kernels_amd64.go"
	assemblyARM     = "kernels_arm64.s"
	declarationsARM = "kernels_arm64.go"
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
	t := tables{
		k:     roundConstants(c, "k", 1),
		wideK: roundConstants(c, "wideK", 2),
		swap:  swapMask(c),
	}
	wide16Kernel(c, t)
	wide8Kernel(c, t)
	mixedKernel(c, t)
	pairKernel(c, t)
	quadKernel(c, t)
	prefetch(c)
	cpuid(c)

	file, err := c.Result()
	if err != nil {
		return nil, err
	}
	if err := pass.Compile.Execute(file); err != nil {
		return nil, err
	}
	cfg := printer.Config{Argv: []string{"go", "generate"}, Pkg: "sha256lanes"}
	files := map[string][]byte{assemblyARM: armAssembly(), declarationsARM: []byte(armDeclarations)}
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

// function begins a kernel. All are leaves without a frame, so a fault while they read a mapped file
// unwinds through them like through any other function; the caller gives them the memory that they need.
func function(c *build.Context, name, signature string, doc ...string) {
	c.Function(name)
	c.Attributes(attr.NOSPLIT | attr.NOFRAME)
	c.Pragma("noescape")
	c.Doc(doc...)
	c.SignatureExpr(signature)
}

// signature is that of a kernel with so many lanes. The scratch has room for what quad keeps, the most, from the first address
// that begins a cache line.
func signature(lanes int) string {
	return fmt.Sprintf("func(states *[%[1]d]*[8]uint32, data *[%[1]d]*byte, scratch *[%[2]d][16]uint32, n int)",
		lanes, (4*32+2*scheduled)/64+1)
}

// loadScratch leaves the first address within scratch that begins a cache line.
func loadScratch(c *build.Context, r reg.GPPhysical) {
	c.Load(c.Param("scratch"), r)
	c.ADDQ(imm(63), r)
	c.ANDQ(operand.I8(-64), r)
}

// ahead is how far before they hash it kernels ask for data, in bytes. Of one stream few processors look further than to the
// end of a page by themselves, and of sixteen not even that far.
const ahead = 2 << 10

// prefetch emits what asks for data that crypto/sha256 hashes later.
func prefetch(c *build.Context) {
	function(c, "prefetchLines", "func(p *byte, n int)",
		"prefetchLines asks for n cache lines, at least one. What can't be read is not asked for.")
	p, n := reg.RAX, reg.RCX
	c.Load(c.Param("p"), p)
	c.Load(c.Param("n"), n)
	c.Label("line")
	c.PREFETCHT0(operand.Mem{Base: p})
	c.ADDQ(imm(64), p)
	c.DECQ(n)
	c.JNZ(operand.LabelRef("line"))
	c.RET()
}

// cpuid emits the instruction itself: golang.org/x/sys/cpu does not report the SHA extensions of amd64.
func cpuid(c *build.Context) {
	function(c, "cpuid", "func(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)",
		"cpuid executes the CPUID instruction.")
	c.Load(c.Param("leaf"), reg.EAX)
	c.Load(c.Param("subleaf"), reg.ECX)
	c.CPUID()
	c.Store(reg.EAX, c.Return("eax"))
	c.Store(reg.EBX, c.Return("ebx"))
	c.Store(reg.ECX, c.Return("ecx"))
	c.Store(reg.EDX, c.Return("edx"))
	c.RET()
}

// imm is an immediate operand.
func imm(i uint8) operand.Op { return operand.Imm(uint64(i)) }
