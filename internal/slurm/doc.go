// Package slurm holds the test of examples/slurm: a Slurm cluster of one machine that signs a model.
package slurm
