package hashing

// Widths says how many workers take how many streams each.
type widths [maxLanes + 1]int

// share shares n streams out among workers so that together they hash the most bytes. Streams that would add
// nothing are left over: two processors of Intel's take ten as eight and two.
func (k kernel) share(n, workers int) widths {
	var w widths
	w[0] = workers
	for n > 0 {
		from, to := k.gain(&w, n)
		if to == 0 {
			break
		}
		moved := min(w[from], n/(to-from))
		w[from] -= moved
		w[to] += moved
		n -= moved * (to - from)
	}
	return w
}

// gain returns the change of a worker's width, with up to n streams more, that gains most for each of them. The
// width to is zero if none gains anything.
func (k kernel) gain(w *widths, n int) (from, to int) {
	var best float64
	for a, workers := range w[:k.lanes] {
		if workers == 0 {
			continue
		}
		for b := min(k.lanes, a+n); b > a; b-- {
			if g := (k.rate(b) - k.rate(a)) / float64(b-a); g > best {
				best, from, to = g, a, b
			}
		}
	}
	return from, to
}

// narrowest is the least number of streams that any worker takes.
func (w *widths) narrowest() int {
	for i, workers := range w[1:] {
		if workers > 0 {
			return i + 1
		}
	}
	return 0
}

// total is how much all workers hash, relative to one with one stream.
func (k kernel) total(w *widths) (rate float64) {
	for i, workers := range w {
		rate += float64(workers) * k.rate(i)
	}
	return rate
}
