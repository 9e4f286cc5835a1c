package main

import (
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestParseModel(t *testing.T) {
	m, err := parseModel("1x2.5KiB+20x3B@blake3")
	if err != nil || m.files() != 21 || m.bytes() != 2620 || m.algorithm != "blake3" {
		t.Errorf("got %+v, %v", m, err)
	}
	for _, bad := range []string{"", "3", "x1KiB", "2x5", "2x1KiB+"} {
		if _, err := parseModel(bad); err == nil {
			t.Errorf("%q is a model", bad)
		}
	}
}

func TestFit(t *testing.T) {
	points := []point{{n: 1, wall: 5}, {n: 10, wall: 23}, {n: 100, wall: 203}}
	a, b := fit(points, func(p point) float64 { return p.wall })
	if math.Abs(a-3) > 1e-9 || math.Abs(b-2) > 1e-9 {
		t.Errorf("got %g + %g n, want 3 + 2 n", a, b)
	}
}

func TestChildren(t *testing.T) {
	m, err := parseModel("3x5KiB+1x300KiB")
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(t.TempDir(), "m")
	if err := m.make(root); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{read, mapped, naive} {
		if err := child([]string{what, "sha256", "2", root}); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestRatio(t *testing.T) {
	seconds := func(list ...time.Duration) (runs []run) {
		for _, s := range list {
			runs = append(runs, run{wall: s * time.Second})
		}
		return runs
	}
	r := result{model: &model{shape: "1x1B"}, entries: []entry{
		{read, seconds(1, 2, 4)}, {mapped, seconds(1, 1, 1)}, {naive, seconds(2, 6, 8)},
	}}
	if got := r.ratio(naive, read); got != 2 {
		t.Errorf("got %g", got)
	}
	if svg := chart("x", []result{r}, func(*result, *entry) float64 { return 1 }); strings.Count(svg, "<rect") != 4 {
		t.Errorf("got %s", svg)
	}
}
