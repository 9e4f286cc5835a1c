package main

import (
	"math/big"
	"slices"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// tables are the read-only data of the kernels.
type tables struct {
	k     operand.Mem // the 64 round constants
	wideK operand.Mem // the same with each 128 bits twice
	swap  operand.Mem // shuffle mask that turns the bytes of each word round, once for each 128 bits
}

// roundConstants lays out K of FIPS 180-4, section 4.2.2, with each four words repeated.
func roundConstants(c *build.Context, name string, times int) operand.Mem {
	mem := c.StaticGlobal(name)
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for four := range slices.Chunk(cubeRoots(), 4) {
		for range times {
			for _, k := range four {
				c.AppendDatum(operand.U32(k))
			}
		}
	}
	return mem
}

func swapMask(c *build.Context) operand.Mem {
	mem := c.StaticGlobal("swap")
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for range 4 {
		c.AppendDatum(operand.U64(0x0405060700010203))
		c.AppendDatum(operand.U64(0x0c0d0e0f08090a0b))
	}
	return mem
}

// cubeRoots returns the first 32 bits of the fractional parts of the cube roots of the first 64 primes.
func cubeRoots() []uint32 {
	var roots []uint32
	for p := int64(2); len(roots) < 64; p++ {
		if big.NewInt(p).ProbablyPrime(0) {
			scaled := new(big.Int).Lsh(big.NewInt(p), 3*32)
			roots = append(roots, uint32(cubeRoot(scaled).Uint64()))
		}
	}
	return roots
}

// cubeRoot returns the integer cube root of x, which has less than 120 bits, bit by bit.
func cubeRoot(x *big.Int) *big.Int {
	root, three := new(big.Int), big.NewInt(3)
	for bit := 40; bit >= 0; bit-- {
		root.SetBit(root, bit, 1)
		if new(big.Int).Exp(root, three, nil).Cmp(x) > 0 {
			root.SetBit(root, bit, 0)
		}
	}
	return root
}
