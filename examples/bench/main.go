// Bench compares this library's hashing with what a user could take instead.
//
//	go run ./examples/bench -dir models -rounds 7 -svg docs
//	go run ./examples/bench -dir models -shapes goals
//
// It makes models by shape in a directory, and hashes each with this library (files read and mapped), a naive Go
// program and, where they are installed, openssl, b3sum and the Python reference. All contenders take turns, each in
// a process of its own, so that whatever else the machine does meets all of them alike. What it prints is Markdown:
// the median, least and greatest wall time, CPU time and peak memory, how many times faster this library is, and its
// speed as a part of what the hash reaches in memory, measured between the others in the same run.
//
// With -shapes goals it measures what has a goal, and says for each whether it is reached; it takes about five minutes
// on a machine that does nothing else, and 5 GB in the directory.
//
// MODEL_SIGNING_PYTHON or -python is the Python interpreter that has the package model_signing.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// The shapes of the reference's own table, and those that are hard for one reason or another.
var usual = []string{
	"4x2KiB", "200x1075KB", "1x2.3GB+5x100MB", "10x330MB", "28x500MB", "1x4GiB", "32x128MiB",
	"20000x4KiB", "100000x4KiB", "1x4GiB@blake3",
}

type options struct {
	dir, svg, python string
	shapes           []string
	rounds, workers  int
	keep             bool
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == "child" {
		exit(child(os.Args[2:]))
	}
	var o options
	var shapes string
	flag.StringVar(&o.dir, "dir", os.TempDir()+"/bench-models", "directory to make models in")
	flag.StringVar(&o.svg, "svg", "", "directory to write plots to")
	flag.StringVar(&o.python, "python", os.Getenv("MODEL_SIGNING_PYTHON"), "interpreter of the Python reference")
	flag.StringVar(&shapes, "shapes", strings.Join(usual, ","), "models: COUNTxSIZE[+COUNTxSIZE…][@ALGORITHM], or \"goals\" or \"slopes\"")
	flag.IntVar(&o.rounds, "rounds", 5, "how often each contender hashes each model")
	flag.IntVar(&o.workers, "workers", runtime.NumCPU(), "processors for the contenders that can be told")
	flag.BoolVar(&o.keep, "keep", false, "leave the models for the next run")
	flag.Parse()
	if shapes != "slopes" && shapes != "goals" {
		o.shapes = strings.Split(shapes, ",")
	}
	if err := o.check(flag.Args()); err != nil {
		exit(err)
	}
	switch shapes {
	case "slopes":
		exit(slopes(&o))
	case "goals":
		exit(reach(&o))
	}
	exit(compare(&o))
}

// check reports what is wrong before anything is measured, which takes minutes.
func (o *options) check(args []string) error {
	switch {
	case len(args) > 0:
		return fmt.Errorf("argument %q: only flags are taken", args[0])
	case o.rounds < 1 || o.workers < 1:
		return errors.New("-rounds and -workers must be at least 1")
	}
	for _, s := range o.shapes {
		if _, err := parseModel(s); err != nil {
			return fmt.Errorf("-shapes: %q: %w", s, err)
		}
	}
	if o.svg == "" {
		return nil
	}
	if _, err := os.Stat(o.svg); err != nil {
		return fmt.Errorf("-svg: %w", err)
	}
	return nil
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func commandLine() string { return strings.Join(os.Args[1:], " ") }

func compare(o *options) error {
	fmt.Printf("Machine: %s.\nCommand: `go run ./examples/bench %s`\n\n", machine(), commandLine())
	var all []result
	for _, s := range o.shapes {
		r, err := measure(o, s)
		if err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
		r.print(os.Stdout)
		all = append(all, *r)
	}
	summary(os.Stdout, all)
	if o.svg == "" {
		return nil
	}
	return plots(o.svg, all)
}
