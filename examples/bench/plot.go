package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	barHeight  = 18
	labelWidth = 150
	plotWidth  = 720
)

// plots writes a chart of speeds and one of peak memory, with a bar for each contender and model.
func plots(dir string, all []result) error {
	speed := func(r *result, e *entry) float64 { return float64(r.model.bytes()) / 1e9 / median(e.walls()) }
	peak := func(_ *result, e *entry) float64 { return float64(e.peak()) / (1 << 20) }
	if err := os.WriteFile(filepath.Join(dir, "speed.svg"), []byte(chart("GB/s", all, speed)), 0o666); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "memory.svg"), []byte(chart("peak MiB", all, peak)), 0o666)
}

func chart(unit string, all []result, value func(*result, *entry) float64) string {
	var b strings.Builder
	y := 0
	for i := range all {
		y = bars(&b, &all[i], y, unit, value)
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+
		"\n"+`<rect width="100%%" height="100%%" fill="white"/>`+"\n%s</svg>\n", plotWidth, y+barHeight, b.String())
}

// bars draws the contenders of one model below y, the longest bar as wide as there is room, and returns where the
// next may begin.
func bars(b *strings.Builder, r *result, y int, unit string, value func(*result, *entry) float64) int {
	var most float64
	for i := range r.entries {
		most = max(most, value(r, &r.entries[i]))
	}
	most = max(most, 1e-9) // of nothing that is known, such as peaks where the system doesn't tell, nothing is drawn
	y += 2 * barHeight
	fmt.Fprintf(b, `<text x="8" y="%d" font-weight="bold">%s: %s</text>`+"\n", y-6, r.title(), unit)
	for i := range r.entries {
		e := &r.entries[i]
		v := value(r, e)
		colour := "#9aa5b1"
		if e.name == read || e.name == mapped {
			colour = "#2266aa"
		}
		width := v / most * (plotWidth - labelWidth - 70)
		fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end">%s</text>`, labelWidth-8, y+13, e.name)
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`, labelWidth, y+1, width, barHeight-3, colour)
		fmt.Fprintf(b, `<text x="%.1f" y="%d">%.3g</text>`+"\n", labelWidth+width+6, y+13, v)
		y += barHeight
	}
	return y
}
