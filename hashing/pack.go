package hashing

import (
	"cmp"
	"encoding/hex"
	"slices"
)

// packFiles is how many small files are hashed together: a few for each lane, so that a long one among them leaves
// no lane without work for long.
const packFiles = 4 * maxLanes

// packAlign is where files begin: kernels take a fifth longer where a block lies in two lines of the cache.
const packAlign = 64

// packRanges bounds the memory that the resources of a pack take, where shards are tiny. One file may have more.
const packRanges = 1024

// A pack is what a worker has read of small files and not hashed yet.
type pack struct {
	used    int   // bytes of the worker's memory
	read    []int // indices of files
	ranges  []message
	content [][]byte // of the ranges
	hex     []byte   // their digests
	sums    sumsRoom
}

// A message is the content of a resource.
type message struct {
	resource int
	data     []byte
}

// fits reports whether one more file with the given size does.
func (w *worker) fits(size int64) bool {
	return len(w.read) < packFiles && len(w.ranges) < packRanges && w.used+int(size) < len(w.room())
}

// add adds a file that has been read into the worker's memory.
func (w *worker) add(i int, data []byte) {
	if w.notice(i, data) {
		return
	}
	size := int64(len(data))
	w.read = append(w.read, i)
	w.used += (len(data) + packAlign - 1) &^ (packAlign - 1)
	r := w.files[i].first
	for n := w.count(size); n > 0; n-- {
		span := min(int(w.span(size)), len(data))
		w.ranges = append(w.ranges, message{r, data[:span]})
		data = data[span:]
		r++
	}
}

// flush hashes the files of the pack.
func (w *worker) flush() {
	if len(w.read) == 0 {
		return
	}
	// A lane that starts with a long one late would end after all others.
	slices.SortFunc(w.ranges, func(a, b message) int { return cmp.Compare(len(b.data), len(a.data)) })
	for _, r := range w.ranges {
		w.content = append(w.content, r.data)
	}
	w.hex = w.hex[:0]
	w.kernel.sums(&w.sums, w.content, func(sum []byte) { w.hex = hex.AppendEncode(w.hex, sum) })
	all := string(w.hex) // not one by one
	for i, r := range w.ranges {
		size := len(all) / len(w.ranges)
		d := &w.resources[r.resource].Digest // by field: to copy all of it takes longer while garbage is collected
		d.Algorithm, d.Hex = w.serialization.Algorithm, all[i*size:][:size]
	}
	for _, i := range w.read {
		w.progress.add(w.files[i].path, int(w.files[i].size))
	}
	w.used, w.read, w.ranges, w.content = 0, w.read[:0], w.ranges[:0], w.content[:0]
}
