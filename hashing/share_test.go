package hashing_test

import (
	"slices"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
)

func TestShare(t *testing.T) {
	// Rates like those of processors with kernels for one, two, eight and sixteen streams; one, two and four; one and two.
	vector := []float64{1, 1.6, 1.6, 1.6, 1.6, 1.6, 1.7, 1.9, 1.9, 1.9, 1.9, 2, 2.1, 2.3, 2.4, 2.6}
	quad := []float64{1, 1.95, 2.25, 3}
	pair := []float64{1, 1.2}
	for _, c := range []struct {
		rates      []float64
		n, workers int
		want       []int
	}{
		{vector, 10, 2, []int{2, 8}},
		{vector, 1, 2, []int{0, 1}},
		{vector, 2, 2, []int{1, 1}},
		{vector, 3, 2, []int{1, 2}},
		{vector, 32, 2, []int{16, 16}},
		{vector, 100, 2, []int{16, 16}},
		{vector, 20, 2, []int{2, 16}},
		{vector, 16, 1, []int{16}},
		{vector, 5, 1, []int{2}},
		{vector, 6, 8, []int{0, 0, 1, 1, 1, 1, 1, 1}},
		{vector, 30, 4, []int{2, 2, 8, 16}},
		{quad, 10, 2, []int{4, 4}},
		{quad, 7, 2, []int{3, 4}},
		{quad, 5, 2, []int{2, 3}},
		{quad, 4, 2, []int{2, 2}},
		{pair, 10, 2, []int{2, 2}},
		{pair, 3, 2, []int{1, 2}},
		{[]float64{1}, 9, 3, []int{1, 1, 1}},
	} {
		if got := hashing.Share(c.n, c.workers, c.rates...); !slices.Equal(got, c.want) {
			t.Errorf("%d streams, %d workers: got %v, want %v", c.n, c.workers, got, c.want)
		}
	}
}
