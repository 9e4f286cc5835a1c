package hashing

import (
	"context"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/modelsigning/modelsigning/manifest"
)

// An engine hashes the files that were listed, each into its resources.
//
// A file that fits into one chunk is read whole and hashed at once; those of a directory are taken together. A
// larger one is cut into parts, and each part is a stream: the state of a hash and an offset. Any worker may
// advance any set of streams for a while, those with most left to do first, so that all processors are busy
// until the end and a kernel that hashes many streams at once has many.
type engine struct {
	*settings
	tree      *tree
	files     []*file
	resources []manifest.Resource
	kernel    kernel
	mapped    bool // what the settings say, unless no file can be mapped
	large     *queue
	small     *batches
	swept     atomic.Int64 // bytes of small files that were not looked at before
	progress  tracker
	stop      context.CancelFunc

	mu       sync.Mutex
	err      error
	at       int      // the index of the file that err is about
	pointers []string // files that hold a pointer of Git LFS
	followed []string // those of them that were not hashed
}

func newEngine(w *walker, resources []manifest.Resource) *engine {
	e := &engine{settings: w.settings, tree: w.tree, files: w.files, resources: resources}
	e.mapped = w.settings.mapped && w.tree.mappable()
	e.kernel = kernelFor(e.serialization.Algorithm)
	e.small = &batches{groups: w.groups, limit: int64(e.chunk)}
	e.progress.report = w.settings.progress
	for _, f := range e.files {
		e.progress.total += f.length()
	}
	return e
}

// run returns when all workers have stopped and all files are closed. After an error the resources are useless.
func (e *engine) run(ctx context.Context) error {
	ctx, e.stop = context.WithCancel(ctx)
	defer e.stop()
	workers := make([]worker, e.workers)
	each := func(do func(*worker, context.Context)) {
		var wg sync.WaitGroup
		for i := range workers {
			workers[i].engine, workers[i].index = e, i
			wg.Go(func() { do(&workers[i], ctx) })
		}
		wg.Wait()
	}
	if e.unseen() {
		each((*worker).sweep)
		if i, err := e.within(e.files); err != nil { // or so many as were seen before the sweep was stopped
			e.fail(i, err)
		}
	}
	e.large = newQueue(e)
	defer context.AfterFunc(ctx, e.large.wake)()
	each((*worker).work)
	e.large.close()
	if e.err == nil {
		return ctx.Err()
	}
	return e.err
}

// unseen reports whether there are files of which only opening them tells how large they are.
func (e *engine) unseen() bool {
	return slices.ContainsFunc(e.files, func(f *file) bool { return !f.seen() })
}

// fail stops all workers. Of several errors the one about the first file is kept.
func (e *engine) fail(i int, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err == nil || i < e.at {
		e.err, e.at = e.tree.fail(e.files[i].path, err), i
	}
	e.stop()
}

// A worker is what one goroutine of an engine has for itself.
type worker struct {
	*engine
	index int
	slab  []byte           // for small files, and the windows if nothing is mapped
	views [maxLanes]window // for large ones
	space *space           // that they share if something is mapped
	pack
	lanes
}

// room is the memory that a worker reads into, and a byte: one more than the last small file should have.
func (w *worker) room() []byte {
	if w.slab == nil {
		w.slab = make([]byte, readReach+1)
	}
	return w.slab
}

// open opens the files of the streams, and reports whether they are to be mapped, which is all of them or none.
func (w *worker) open(streams []*stream) (mapped bool, err error) {
	mapped = w.space != nil
	for _, s := range streams {
		if err := s.from.open(w.engine); err != nil {
			w.fail(s.file, err)
			return false, err
		}
		mapped = mapped && s.from.local != nil
	}
	return mapped, nil
}

// place makes n windows of the given size.
func (w *worker) place(n int, size int64, mapped bool) {
	for i := range w.views[:n] {
		if mapped {
			w.views[i] = window{space: w.space}
		} else {
			w.views[i] = window{buf: w.room()[i*int(size):][:size]}
		}
	}
}

// forget lets go of data that may be unmapped, and its addresses used for something else.
func (w *worker) forget(streams []*stream) {
	for _, s := range streams {
		s.data = nil
	}
	clear(w.data[:])
}

func (w *worker) work(ctx context.Context) {
	var mine []*stream
	defer func() {
		w.large.leave(w.index, mine)
		w.space.drop()
	}()
	if w.mapped {
		w.space = newSpace(maxLanes, mapReach)
		debug.SetPanicOnFault(true) // until the goroutine ends, with this function
	}
	for ctx.Err() == nil {
		var alone bool
		if mine, alone = w.large.next(w.index, mine); len(mine) > 0 {
			w.flush() // for the memory
			if alone {
				w.ahead(ctx, mine[0])
			} else {
				w.turn(ctx, mine)
			}
			continue
		}
		if b, ok := w.small.next(); ok {
			w.batch(ctx, b)
			continue
		}
		w.flush()
		if !w.large.wait(ctx) {
			return
		}
	}
}

// sweep hashes the small files, and finds out which are large.
func (w *worker) sweep(ctx context.Context) {
	for ctx.Err() == nil {
		b, ok := w.small.next()
		if !ok {
			break
		}
		if w.swept.Add(w.batch(ctx, b)) > w.bytes {
			w.stop()
		}
	}
	w.flush()
}

// perTurn is how much of a stream a worker hashes before it gives it back: enough that asking for others costs
// nothing, little enough that all of them end at about the same time.
const perTurn = 1 << 20

func (w *worker) turn(ctx context.Context, mine []*stream) {
	defer w.forget(mine)
	defer w.survive(mine)
	mapped, err := w.open(mine)
	if err != nil {
		return
	}
	size := w.reach(len(mine), mapped)
	w.place(len(mine), size, mapped)
	for done := int64(0); done < perTurn; done += size {
		if mapped {
			w.space.need(len(mine), size)
		}
		for i, s := range mine {
			if ctx.Err() != nil {
				return
			}
			err := s.load(w.engine, &w.views[i], size)
			if err == errUnmapped { // nothing is lost: what was not hashed is loaded again
				w.space.drop()
				w.space = nil
				return
			}
			if err != nil {
				w.fail(s.file, err)
				return
			}
		}
		if err := w.advance(mine); err != nil {
			return
		}
	}
}
