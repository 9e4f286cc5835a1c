package main

import (
	"fmt"
	"io"
	"slices"
)

func (r *result) title() string {
	return fmt.Sprintf("%s, %s", r.model.shape, r.model.algorithm)
}

func (r *result) print(w io.Writer) {
	fmt.Fprintf(w, "## %s (load %s)\n\n", r.title(), r.load)
	fmt.Fprintln(w, "| | wall ms | least–greatest | GB/s | CPU s | peak MiB | times read | times mapped |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|")
	gb := float64(r.model.bytes()) / 1e9
	for _, e := range r.entries {
		walls := e.walls()
		fmt.Fprintf(w, "| %s | %.1f | %.1f–%.1f | %.2f | %.2f | %.1f | %.2f | %.2f |\n", e.name, 1e3*median(walls),
			1e3*slices.Min(walls), 1e3*slices.Max(walls), gb/median(walls), e.cpu(), float64(e.peak())/(1<<20),
			r.ratio(e.name, read), r.ratio(e.name, mapped))
	}
	fmt.Fprintf(w, "\nIn memory, one processor: %.2f GB/s one stream, %.2f many.", median(r.single), median(r.many))
	for _, name := range []string{read, mapped} {
		one, all := r.ofMemory(name)
		fmt.Fprintf(w, " %s: %.2f of one stream, %.2f of many on %d processors.", name, median(one), median(all), r.workers)
	}
	fmt.Fprint(w, "\n\n")
}

func (r *result) entry(name string) *entry {
	for i := range r.entries {
		if r.entries[i].name == name {
			return &r.entries[i]
		}
	}
	return nil
}

// ratio is how many times longer a takes than b: the median of the rounds, in each of which they ran one after the
// other.
func (r *result) ratio(a, b string) float64 { return median(r.ratios(a, b, wallTime)) }

// cpuRatio is the same for the time of the processors, which says more while others use them too.
func (r *result) cpuRatio(a, b string) float64 { return median(r.ratios(a, b, cpuTime)) }

func wallTime(r run) float64 { return r.wall.Seconds() }
func cpuTime(r run) float64  { return r.cpu.Seconds() }

// ratios returns one for each round, or none if either did not take part.
func (r *result) ratios(a, b string, value func(run) float64) (list []float64) {
	x, y := r.entry(a), r.entry(b)
	if x == nil || y == nil {
		return nil
	}
	for i := range x.runs {
		list = append(list, value(x.runs[i])/value(y.runs[i]))
	}
	return list
}

// ofMemory compares speed with that of the hash in memory, in each round: one stream on one processor, and as many
// streams as are fastest on all processors.
func (r *result) ofMemory(name string) (ones, alls []float64) {
	gb := float64(r.model.bytes()) / 1e9
	for i, wall := range r.entry(name).walls() {
		ones = append(ones, gb/wall/r.single[i])
		alls = append(alls, gb/wall/r.many[i]/float64(r.workers))
	}
	return ones, alls
}

// summary prints how many times faster this library is than each of the others.
func summary(w io.Writer, all []result) {
	table(w, "Wall time of the others, as a multiple of read / mapped", all, (*result).ratio)
	table(w, "Processor time of the others, as a multiple of read / mapped", all, (*result).cpuRatio)
	fmt.Fprint(w, "## Speed and peak memory: read / mapped\n\n| model | GB/s | peak MiB |\n|---|---|---|\n")
	for _, r := range all {
		gb := float64(r.model.bytes()) / 1e9
		x, y := r.entry(read), r.entry(mapped)
		fmt.Fprintf(w, "| %s | %.2f / %.2f | %.0f / %.0f |\n", r.title(), gb/median(x.walls()), gb/median(y.walls()),
			float64(x.peak())/(1<<20), float64(y.peak())/(1<<20))
	}
}

func table(w io.Writer, title string, all []result, ratio func(r *result, a, b string) float64) {
	others := []string{naive, "openssl dgst", "b3sum", "Python reference"}
	fmt.Fprintf(w, "## %s\n\n| model |", title)
	for _, o := range others {
		fmt.Fprintf(w, " %s |", o)
	}
	fmt.Fprint(w, "\n|---|---|---|---|---|\n")
	for _, r := range all {
		fmt.Fprintf(w, "| %s |", r.title())
		for _, o := range others {
			if r.entry(o) == nil {
				fmt.Fprint(w, " |")
				continue
			}
			fmt.Fprintf(w, " %.2f / %.2f |", ratio(&r, o, read), ratio(&r, o, mapped))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w)
}
