package hashing

// Share returns how many streams each worker takes of n, by the rates of 1, 2, … streams together.
func Share(n, workers int, rates ...float64) []int {
	k := kernel{lanes: len(rates), rate: func(n int) float64 { return append([]float64{0}, rates...)[n] }}
	var list []int
	for width, workers := range k.share(n, workers) {
		for range workers {
			list = append(list, width)
		}
	}
	return list
}
