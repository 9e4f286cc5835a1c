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
	if err := child([]string{"make", m.shape, root}); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{read, mapped, naive} {
		if err := child([]string{what, "sha256", "2", root}); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// What is wrong with the flags is said before anything is measured.
func TestOptions(t *testing.T) {
	good := options{rounds: 1, workers: 1, shapes: []string{"1x1B", "2x1.5KiB+1x1GB@blake3"}, svg: t.TempDir()}
	if err := good.check(nil); err != nil {
		t.Error(err)
	}
	for what, change := range map[string]func(*options){
		"rounds":    func(o *options) { o.rounds = 0 },
		"workers":   func(o *options) { o.workers = -1 },
		"keyword":   func(o *options) { o.shapes = []string{"1x1B", "slopes"} },
		"count":     func(o *options) { o.shapes = []string{"-1x1B"} },
		"size":      func(o *options) { o.shapes = []string{"1x-1B"} },
		"no size":   func(o *options) { o.shapes = []string{"1xNaNB"} },
		"unit":      func(o *options) { o.shapes = []string{"1x1"} },
		"directory": func(o *options) { o.svg += "/missing" },
	} {
		o := good
		if change(&o); o.check(nil) == nil {
			t.Errorf("%s: %+v is taken", what, o)
		}
	}
	if good.check([]string{"goals"}) == nil {
		t.Error("arguments are taken")
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

func TestGoals(t *testing.T) {
	r := &result{model: &model{shape: "1x1000B", groups: []group{{1, 1000}}}, workers: 2, entries: []entry{
		{read, []run{{wall: time.Second, cpu: time.Second, peak: 10}, {wall: time.Second, cpu: time.Second, peak: 10}}},
		{naive, []run{{wall: 3 * time.Second, cpu: time.Second}, {wall: 5 * time.Second, cpu: 3 * time.Second}}},
		{"Python reference", []run{{wall: time.Second, cpu: time.Second, peak: 50}, {wall: time.Second, cpu: time.Second}}},
	}, single: []float64{1e-6, 1e-6}, many: []float64{1e-6, 1e-6}}
	for _, c := range []struct {
		of    string
		least float64
		want  string
	}{
		{naive, 4, "| 4.00 | 3.00–5.00 | 2.00 | PASS |\n"},
		{naive, 4.1, "| 4.00 | 3.00–5.00 | 2.00 | below |\n"},
		{oneStream, 0.97, "| 1.00 | 1.00–1.00 |  | PASS |\n"},
		{allStreams, 0.78, "| 0.50 | 0.50–0.50 |  | below |\n"},
		{"b3sum", 1, "not measured |\n"},
	} {
		var got strings.Builder
		goal{"", read, c.of, c.least, c.least}.print(&got, r)
		if !strings.HasSuffix(got.String(), c.want) {
			t.Errorf("%s, at least %g: got %s, want …%s", c.of, c.least, got.String(), c.want)
		}
	}
	var got strings.Builder
	r.reference(&got)
	if !strings.Contains(got.String(), "| 1.00 | below |\n") || !strings.Contains(got.String(), "| 5.00 | | | PASS |\n") {
		t.Errorf("got %s", got.String())
	}
	for _, g := range goals {
		if _, err := parseModel(g.shape); err != nil {
			t.Error(err)
		}
	}
}

// The whole command is built, and signs and verifies.
func TestMeasureCommand(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the test builds the whole command")
	}
	r, err := measureCommand(&options{dir: t.TempDir(), rounds: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.sign.runs) != commandRuns || len(r.verify.runs) != commandRuns {
		t.Errorf("got %d and %d runs", len(r.sign.runs), len(r.verify.runs))
	}
}
