package sha256lanes

import (
	"crypto/sha256"
	"sync"
)

// maxStep is how many bytes of each lane are hashed before the goroutine can be preempted and the lanes
// are chosen again: with sixteen lanes, less than a tenth of a millisecond.
const maxStep = 16 << 10

// A lane is one stream's part in a call.
type lane struct {
	state *[8]uint32
	data  []byte             // whole blocks that are left
	last  []byte             // then come these
	sum   *[sha256.Size]byte // then the state goes here, unless nil
	own   *ownLane
}

// An ownLane is the memory for a lane whose state and last blocks are not the caller's.
type ownLane struct {
	state [8]uint32
	last  [2 * BlockSize]byte
}

// A workspace is the memory of one call. It is dropped, not reused, when that call panics.
type workspace struct {
	lanes   [MaxLanes]lane
	n       int // lanes in use: the first n
	own     [MaxLanes]ownLane
	unused  [8]uint32      // the state of a kernel's lanes that have no stream
	scratch [67][16]uint32 // for the kernels, which have no stack frame: quad needs 66 lines of the cache
	states  [MaxLanes]*[8]uint32
	data    [MaxLanes]*byte
	serial  serial
}

var workspaces = sync.Pool{New: func() any {
	w := &workspace{serial: newSerial()}
	for i := range w.lanes {
		w.lanes[i].own = &w.own[i]
	}
	return w
}}

// add puts a lane to the others unless it has nothing to do.
func (w *workspace) add(l lane) {
	if len(l.data) == 0 {
		return
	}
	l.own = w.lanes[w.n].own
	w.lanes[w.n] = l
	w.n++
}

func (w *workspace) addMessage(sum *[sha256.Size]byte, message []byte) {
	own := w.lanes[w.n].own
	own.state = initial
	whole := len(message) &^ (BlockSize - 1)
	l := lane{
		state: &own.state,
		data:  message[:whole],
		last:  pad(&own.last, message[whole:], len(message)),
		sum:   sum,
	}
	if whole == 0 {
		l.data, l.last = l.last, nil
	}
	w.add(l)
}

// step advances some lanes with the best kernel for that many, and takes away those that are done.
func (w *workspace) step() {
	k := current.kernel[w.n]
	if k == serialKernel {
		l := &w.lanes[0]
		w.serial.advance(l.state, l.data)
		l.data = nil
	} else {
		w.together(k)
	}
	w.removeDone()
}

// together advances as many lanes as k takes, as far as the shortest of them goes. If there are more, it
// is the longest that go first: then there is company for each until the end.
func (w *workspace) together(k kernel) {
	width := k.lanes()
	w.longestFirst(width)
	lanes := w.lanes[:min(w.n, width)]
	size := maxStep
	for i := range lanes {
		l := &lanes[i]
		size = min(size, len(l.data))
		w.states[i], w.data[i] = l.state, &l.data[0]
	}
	for i := len(lanes); i < width; i++ {
		w.states[i], w.data[i] = &w.unused, w.data[0]
	}
	w.blocks(k, size/BlockSize)
	for i := range lanes {
		lanes[i].data = lanes[i].data[size:]
	}
}

// longestFirst brings the n lanes with most to do to the front, if there are more than n.
func (w *workspace) longestFirst(n int) {
	if w.n <= n {
		return
	}
	lanes := w.lanes[:w.n]
	for i := range n {
		longest := i
		for j := i + 1; j < len(lanes); j++ {
			if len(lanes[j].data) > len(lanes[longest].data) {
				longest = j
			}
		}
		if longest != i {
			lanes[i], lanes[longest] = lanes[longest], lanes[i]
		}
	}
}

func (w *workspace) removeDone() {
	for i := w.n - 1; i >= 0; i-- {
		l := &w.lanes[i]
		if len(l.data) > 0 {
			continue
		}
		if l.last != nil {
			l.data, l.last = l.last, nil
			continue
		}
		if l.sum != nil {
			putSum(l.sum, l.state)
		}
		w.n--
		own := l.own
		*l = w.lanes[w.n]
		w.lanes[w.n] = lane{own: own}
	}
	if w.n == 0 {
		clear(w.states[:]) // keep nobody's memory alive
		clear(w.data[:])
	}
}
