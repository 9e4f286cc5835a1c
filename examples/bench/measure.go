package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// A result is what all contenders took for a model.
type result struct {
	model   *model
	workers int
	entries []entry
	single  []float64 // GB/s in memory, of one stream
	many    []float64 // and of as many as are fastest together
	load    string
}

type entry struct {
	name string
	runs []run
}

type run struct {
	wall, cpu time.Duration
	peak      int64 // bytes
}

func measure(o *options, shape string) (*result, error) {
	m, err := parseModel(shape)
	if err != nil {
		return nil, err
	}
	root := filepath.Join(o.dir, m.shape)
	if !o.keep {
		defer os.RemoveAll(root)
	}
	if err := m.makeApart(root); err != nil {
		return nil, err
	}
	r := &result{model: m, workers: o.workers}
	list := contenders(o, m)
	for _, c := range list {
		if c.name != memory {
			r.entries = append(r.entries, entry{name: c.name})
		}
	}
	if _, _, err := execute(list[0].args(m, root)); err != nil { // which brings all into memory, and does not count
		return nil, fmt.Errorf("%s: %w", list[0].name, err)
	}
	for range o.rounds {
		for _, i := range rand.Perm(len(list)) { // for what ran just before makes a difference
			c := list[i]
			got, out, err := execute(c.args(m, root))
			switch {
			case err != nil:
				return nil, fmt.Errorf("%s: %w", c.name, err)
			case c.name == memory:
				var single, many float64
				fmt.Sscan(out, &single, &many)
				r.single, r.many = append(r.single, single), append(r.many, many)
			default:
				e := r.entry(c.name)
				e.runs = append(e.runs, got)
			}
		}
	}
	r.load = load()
	return r, nil
}

func execute(args []string) (run, string, error) {
	c := exec.Command(args[0], args[1:]...)
	var out, complaint bytes.Buffer
	c.Stdout, c.Stderr = &out, &complaint
	start := time.Now()
	err := c.Run()
	wall := time.Since(start)
	if err != nil {
		return run{}, "", fmt.Errorf("%w: %s", err, complaint.String())
	}
	return run{wall, c.ProcessState.UserTime() + c.ProcessState.SystemTime(), peakMemory(c.ProcessState)}, out.String(), nil
}

func (e *entry) walls() []float64 {
	var list []float64
	for _, r := range e.runs {
		list = append(list, r.wall.Seconds())
	}
	return list
}

func (e *entry) cpu() float64 {
	var list []float64
	for _, r := range e.runs {
		list = append(list, r.cpu.Seconds())
	}
	return median(list)
}

func (e *entry) peak() (most int64) {
	for _, r := range e.runs {
		most = max(most, r.peak)
	}
	return most
}

func median(list []float64) float64 {
	s := slices.Sorted(slices.Values(list))
	n := len(s)
	if n == 0 {
		return 0
	}
	return (s[(n-1)/2] + s[n/2]) / 2
}
