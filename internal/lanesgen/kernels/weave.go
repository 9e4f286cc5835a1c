package kernels

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
)

// Weave emits the instructions of two functions, which have no register in common, as one sequence, evenly. Both emit
// them to c.
func Weave(c **build.Context, one, other func()) {
	a, b := record(c, one), record(c, other)
	done := 0
	for i, in := range a {
		(*c).Instruction(in)
		for ; done*len(a) < (i+1)*len(b); done++ {
			(*c).Instruction(b[done])
		}
	}
}

// record returns the instructions that a function emits, which may have no labels.
func record(c **build.Context, emit func()) []*ir.Instruction {
	outer := *c
	defer func() { *c = outer }()
	*c = build.NewContext()
	(*c).Function("recorded")
	emit()
	file, err := (*c).Result()
	if err != nil {
		panic(err)
	}
	return file.Functions()[0].Instructions()
}
