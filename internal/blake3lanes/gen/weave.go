package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
)

// weave emits the instructions of two functions, which have no register in common, as one sequence, evenly.
func (k *kernel) weave(one, other func()) {
	a, b := k.record(one), k.record(other)
	done := 0
	for i, in := range a {
		k.Instruction(in)
		for ; done*len(a) < (i+1)*len(b); done++ {
			k.Instruction(b[done])
		}
	}
}

// record returns the instructions that a function emits, which may have no labels.
func (k *kernel) record(emit func()) []*ir.Instruction {
	outer := k.Context
	defer func() { k.Context = outer }()
	k.Context = build.NewContext()
	k.Function("recorded")
	emit()
	file, err := k.Result()
	if err != nil {
		panic(err)
	}
	return file.Functions()[0].Instructions()
}
