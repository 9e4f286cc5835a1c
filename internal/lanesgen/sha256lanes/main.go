// Command sha256lanes writes the assembly of the package of that name and its Go declarations. Run it with go generate
// in that package; go test here checks that what is committed is what it writes.
package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/modelsigning/modelsigning/internal/lanesgen/kernels"
)

const pkg = "sha256lanes"

func main() { kernels.Write(pkg, generate) }

func generate() (kernels.Files, error) {
	files, err := kernels.Generate(pkg, func(c *build.Context) {
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
	})
	if err != nil {
		return nil, err
	}
	files["kernels_arm64.s"], files["kernels_arm64.go"] = armAssembly(), []byte(armDeclarations)
	return files, nil
}

// signature is that of a kernel with so many lanes. The scratch has room for what quad keeps, the most, from the first address
// that begins a cache line.
func signature(lanes int) string {
	return fmt.Sprintf("func(states *[%[1]d]*[8]uint32, data *[%[1]d]*byte, scratch *[%[2]d][16]uint32, n int)",
		lanes, (4*32+2*scheduled)/64+1)
}

// ahead is how far before they hash it kernels ask for data, in bytes. Of one stream few processors look further than to the
// end of a page by themselves, and of sixteen not even that far.
const ahead = 2 << 10

// prefetch emits what asks for data that crypto/sha256 hashes later.
func prefetch(c *build.Context) {
	kernels.Function(c, "prefetchLines", "func(p *byte, n int)",
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
	kernels.Function(c, "cpuid", "func(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)",
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
