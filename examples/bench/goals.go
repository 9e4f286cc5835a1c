package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// A goal is a ratio that one of our ways to hash a model is to reach: how many times faster it is than another
// contender, or what part it reaches of the speed that the hash has in memory.
type goal struct {
	shape       string
	way         string // read or mapped
	of          string // a contender, oneStream or allStreams
	least, want float64
}

const (
	oneStream  = "one stream in memory"
	allStreams = "the fastest kernel in memory × processors"
)

var goals = []goal{
	{"20000x4KiB", read, "openssl dgst", 3, 3},
	{"20000x4KiB", read, naive, 5, 8},
	{"1x4GiB", read, oneStream, 0.97, 0.99},
	{"1x4GiB", read, "openssl dgst", 1.15, 1.15},
	{"1x4GiB@blake3", read, "b3sum", 0.65, 1},
	{"32x128MiB", mapped, naive, 2.1, 2.5},
	{"32x128MiB", mapped, allStreams, 0.78, 0.88},
	{"32x128MiB", read, naive, 1.7, 1.7},
	{"10x330MB", read, naive, 1.4, 1.55},
	{"10x330MB", mapped, naive, 1.4, 1.55},
}

// reach measures the models of the goals, and says for each goal whether it is reached.
func reach(o *options) error {
	fmt.Printf("Machine: %s.\nCommand: `go run ./examples/bench %s`\n\n", machine(), commandLine())
	command, err := measureCommand(o) // first, for it may fail to build
	if err != nil {
		return err
	}
	results, err := measureGoals(*o)
	if err != nil {
		return err
	}
	fmt.Print("## Goals\n\nMedians of the rounds, in each of which the contenders ran one after the other.\n\n" +
		"| model | our way | times, or part of | least | aim | by the clock | least–greatest | by processor time | |\n" +
		"|---|---|---|---|---|---|---|---|---|\n")
	for i, g := range goals {
		g.print(os.Stdout, results[g.shape])
		if i+1 == len(goals) || goals[i+1].shape != g.shape {
			results[g.shape].reference(os.Stdout)
		}
	}
	command.print(os.Stdout)
	return nil
}

// measureGoals returns the results by shape.
func measureGoals(o options) (map[string]*result, error) {
	results, keep := map[string]*result{}, o.keep
	for i, g := range goals {
		if results[g.shape] != nil {
			continue
		}
		// The files of the next model may be the same, for another hash.
		o.keep = keep || slices.ContainsFunc(goals[i:], func(next goal) bool {
			return next.shape != g.shape && strings.HasPrefix(next.shape, g.shape+"@")
		})
		r, err := measure(&o, g.shape)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", g.shape, err)
		}
		r.print(os.Stdout)
		results[g.shape] = r
	}
	return results, nil
}

func (g goal) print(w io.Writer, r *result) {
	wall, cpu := g.ratios(r)
	if len(wall) == 0 {
		fmt.Fprintf(w, "| %s | %s | %s | %g | %g | | | | not measured |\n", r.title(), g.way, g.of, g.least, g.want)
		return
	}
	byCPU := ""
	if cpu != nil {
		byCPU = fmt.Sprintf("%.2f", median(cpu))
	}
	fmt.Fprintf(w, "| %s | %s | %s | %g | %g | %.2f | %.2f–%.2f | %s | %s |\n", r.title(), g.way, g.of, g.least, g.want,
		median(wall), slices.Min(wall), slices.Max(wall), byCPU, verdict(median(wall) >= g.least))
}

// ratios returns one for each round, by the clock and by processor time.
func (g goal) ratios(r *result) (wall, cpu []float64) {
	switch g.of {
	case oneStream:
		wall, _ = r.ofMemory(g.way)
		return wall, nil
	case allStreams:
		_, wall = r.ofMemory(g.way)
		return wall, nil
	}
	return r.ratios(g.of, g.way, wallTime), r.ratios(g.of, g.way, cpuTime)
}

// reference prints whether hashing takes half of the Python reference's time, and a quarter of its memory.
func (r *result) reference(w io.Writer) {
	const name = "Python reference"
	py, ours := r.entry(name), r.entry(read)
	if py == nil {
		return
	}
	wall, cpu := r.ratios(name, read, wallTime), r.ratios(name, read, cpuTime)
	memory := float64(py.peak()) / float64(ours.peak())
	fmt.Fprintf(w, "| %s | %s | %s | 2 | 2 | %.2f | %.2f–%.2f | %.2f | %s |\n", r.title(), read, name,
		median(wall), slices.Min(wall), slices.Max(wall), median(cpu), verdict(median(wall) >= 2))
	fmt.Fprintf(w, "| %s | %s | memory of the %s | 4 | 4 | %.2f | | | %s |\n", r.title(), read, name, memory, verdict(memory >= 4))
}

func verdict(ok bool) string {
	if ok {
		return "PASS"
	}
	return "below"
}
