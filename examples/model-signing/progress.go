package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/modelsigning/modelsigning/hashing"
	"golang.org/x/term"
)

const (
	quiet    = time.Second            // models that take less show no progress
	interval = 100 * time.Millisecond // between two pictures
	cells    = 30
)

// newProgress returns what draws a bar on the terminal, or nil if there is none.
func newProgress() func(hashing.Progress) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return nil
	}
	start := time.Now()
	var last time.Time
	return func(p hashing.Progress) {
		now := time.Now()
		if now.Sub(start) < quiet || now.Sub(last) < interval && p.Done < p.Total {
			return
		}
		last = now
		if p.Done >= p.Total {
			clearProgress()
			return
		}
		drawn = true
		full := int(int64(cells) * (p.Done >> 10) / max(p.Total>>10, 1))
		rate := float64(p.Done) / now.Sub(start).Seconds()
		fmt.Fprintf(os.Stderr, "\r[%s%s] %3d%%  %.1f of %.1f GB, %.2f GB/s\x1b[K", strings.Repeat("#", full),
			strings.Repeat(".", cells-full), 100*(p.Done>>10)/max(p.Total>>10, 1), gb(float64(p.Done)), gb(float64(p.Total)), gb(rate))
	}
}

// drawn says that there is a bar on the terminal.
var drawn bool

// clearProgress takes the bar away, so that what is printed next has the line for itself.
func clearProgress() {
	if drawn {
		fmt.Fprint(os.Stderr, "\r\x1b[K")
	}
	drawn = false
}

func gb(n float64) float64 { return n / 1e9 }
