package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// slopes shows that cost grows in proportion: to the number of files, and to their size.
func slopes(o *options) error {
	fmt.Printf("Machine: %s.\n\n", machine())
	var points []point
	for _, n := range []int{1_000, 10_000, 100_000} {
		p, err := o.sample(fmt.Sprintf("%dx4KiB", n), float64(n))
		if err != nil {
			return err
		}
		points = append(points, p)
	}
	report("thousand files of 4 KiB", 1e3, points)
	points = nil
	for _, n := range []int64{1, 4, 16} {
		p, err := o.sparse(n << 30)
		if err != nil {
			return err
		}
		points = append(points, p)
	}
	report("GiB of one sparse file", 1<<30, points)
	return nil
}

type point struct {
	n    float64
	wall float64 // seconds
	peak int64
}

func (o *options) sample(shape string, n float64) (point, error) {
	m, err := parseModel(shape)
	if err != nil {
		return point{}, err
	}
	root := filepath.Join(o.dir, shape)
	defer os.RemoveAll(root)
	if err := m.makeApart(root); err != nil {
		return point{}, err
	}
	return o.time(m, root, n)
}

// sparse takes a file that the file system has not stored: all of its pages are zero.
func (o *options) sparse(size int64) (point, error) {
	root := filepath.Join(o.dir, "sparse")
	defer os.RemoveAll(root)
	if err := os.MkdirAll(root, 0o777); err != nil {
		return point{}, err
	}
	p := filepath.Join(root, "file")
	if err := os.WriteFile(p, nil, 0o666); err != nil {
		return point{}, err
	}
	if err := os.Truncate(p, size); err != nil {
		return point{}, err
	}
	m, err := parseModel("1x1B")
	if err != nil {
		return point{}, err
	}
	return o.time(m, root, float64(size))
}

func (o *options) time(m *model, root string, n float64) (point, error) {
	e := entry{}
	for range o.rounds + 1 {
		r, _, err := execute(contenders(o, m)[0].args(m, root))
		if err != nil {
			return point{}, err
		}
		e.runs = append(e.runs, r)
	}
	e.runs = e.runs[1:]
	return point{n, median(e.walls()), e.peak()}, nil
}

// report prints the points, and the line through them by least squares of the relative error, so that the small
// ones count as much as the large.
func report(what string, unit float64, points []point) {
	fmt.Printf("| %s | wall ms | peak MiB |\n|---|---|---|\n", what)
	for _, p := range points {
		fmt.Printf("| %g | %.1f | %.1f |\n", p.n/unit, 1e3*p.wall, float64(p.peak)/(1<<20))
	}
	a, b := fit(points, func(p point) float64 { return 1e3 * p.wall })
	c, d := fit(points, func(p point) float64 { return float64(p.peak) / (1 << 20) })
	fmt.Printf("\nFitted: %.1f ms + %.3g ms each; %.1f MiB + %.3g MiB each.\n\n", a, b*unit, c, d*unit)
}

func fit(points []point, value func(point) float64) (constant, slope float64) {
	var s, sx, sy, sxx, sxy float64
	for _, p := range points {
		y := value(p)
		weight := 1 / (y * y)
		s, sx, sy = s+weight, sx+weight*p.n, sy+weight*y
		sxx, sxy = sxx+weight*p.n*p.n, sxy+weight*p.n*y
	}
	slope = (s*sxy - sx*sy) / (s*sxx - sx*sx)
	return (sy - slope*sx) / s, slope
}
