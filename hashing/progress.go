package hashing

import "sync"

// Progress says how far hashing has come.
type Progress struct {
	Path string // of the file that was just advanced, relative to the model's root
	// Done and Total are bytes of the whole model. Total is known from the first call on and does not change,
	// and the last call has Done equal to Total.
	Done, Total int64
}

// SetProgress has f called as hashing advances, at least once for each file that is hashed. Calls of one run never
// overlap, even if they come from different goroutines, and hashing waits for them, so f should be quick. It must not
// call into the same run. Runs of one configuration at the same time each call f, which does not tell them apart: who
// hashes several models at once gives each an f of its own, by calling SetProgress for each.
func (c Configuration) SetProgress(f func(Progress)) Configuration {
	c.progress = f
	return c
}

type tracker struct {
	report func(Progress)
	mu     sync.Mutex
	done   int64
	total  int64
}

func (t *tracker) add(path string, n int) {
	if t.report == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done += int64(n)
	t.report(Progress{Path: path, Done: t.done, Total: t.total})
}
