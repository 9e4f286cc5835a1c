package main

import (
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"time"
)

// A hub has the uploads that are under way. Its methods may be called by many goroutines at once.
type hub struct {
	store   *store
	policy  policy
	limits  limits
	log     *slog.Logger
	parsers chan struct{} // so many bundles are read from the disk at a time
	life    context.Context
	end     context.CancelFunc

	mu      sync.Mutex
	uploads map[string]*upload
	slots   int   // taken by uploads, until nothing of them is left
	memory  int64 // bytes that these may take
}

func newHub(s *store, p policy, l limits, log *slog.Logger) *hub {
	life, end := context.WithCancel(context.Background())
	return &hub{
		store: s, policy: p, limits: l, log: log, life: life, end: end,
		parsers: make(chan struct{}, min(maxParsers, runtime.GOMAXPROCS(0))),
		uploads: make(map[string]*upload),
	}
}

// maxParsers bounds the memory that bundles take while they are read and verified: each some times its size.
const maxParsers = 4

var (
	errNothing  = &refusal{http.StatusNotFound, "not_found", "there is no such request; the names of models have no slash"}
	errBusy     = &refusal{http.StatusServiceUnavailable, "busy", "too many uploads are under way; try again later"}
	errMemory   = &refusal{http.StatusServiceUnavailable, "busy", "the uploads under way leave too little memory; try again later"}
	errNoUpload = &refusal{http.StatusNotFound, "not_found", "there is no such upload, or it has ended"}
	errInUse    = &refusal{http.StatusConflict, "in_use", "files of this upload are still being sent"}
)

// add lets others use an upload, if there is room for it beside those that are there.
func (h *hub) add(u *upload) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.slots == h.limits.uploads:
		return errBusy
	case u.memory > h.limits.memory-h.memory:
		return errMemory
	}
	h.slots++
	h.memory += u.memory
	h.uploads[u.id] = u
	u.idle = time.AfterFunc(h.limits.pause, func() { h.expire(u) })
	return nil
}

// use returns an upload for one request, which calls done in the end.
func (h *hub) use(id string) (u *upload, done func(), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	u = h.uploads[id]
	if u == nil {
		return nil, nil, errNoUpload
	}
	u.busy++
	u.idle.Stop()
	return u, func() { h.release(u) }, nil
}

func (h *hub) release(u *upload) {
	h.mu.Lock()
	u.busy--
	last := u.busy == 0
	if last && !u.ended {
		u.idle.Reset(h.limits.pause)
	}
	remove := last && u.ended
	h.mu.Unlock()
	if remove {
		h.discard(u)
	}
}

// take ends an upload that no request uses, for the caller alone.
func (h *hub) take(id string) (*upload, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	u := h.uploads[id]
	switch {
	case u == nil:
		return nil, errNoUpload
	case u.busy > 0:
		return nil, errInUse
	}
	h.forget(u)
	return u, nil
}

// abort ends an upload. What still arrives of it is refused, and the last request that uses it removes it.
func (h *hub) abort(id string) error {
	h.mu.Lock()
	u := h.uploads[id]
	if u == nil {
		h.mu.Unlock()
		return errNoUpload
	}
	unused := h.forget(u)
	h.mu.Unlock()
	u.cancel()
	if unused {
		h.discard(u)
	}
	return nil
}

// expire ends an upload that has had no request for too long.
func (h *hub) expire(u *upload) {
	h.mu.Lock()
	expired := u.busy == 0 && !u.ended && h.forget(u)
	h.mu.Unlock()
	if expired {
		h.discard(u)
	}
}

// forget lets nobody else use an upload, and reports whether nobody does.
func (h *hub) forget(u *upload) (unused bool) {
	u.idle.Stop()
	u.ended = true
	delete(h.uploads, u.id)
	return u.busy == 0
}

// discard gives back all that an upload has, but for what was published.
func (h *hub) discard(u *upload) {
	h.remove(u)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.slots--
	h.memory -= u.memory
}

func (h *hub) remove(u *upload) {
	if err := u.remove(); err != nil {
		h.log.Error("removing an upload", "dir", u.dir, "error", err)
	}
}

// count returns how many uploads there are, and how much memory they may take.
func (h *hub) count() (uploads int, memory int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.slots, h.memory
}

// close ends all uploads.
func (h *hub) close() {
	h.end()
	h.mu.Lock()
	var ids []string
	for id := range h.uploads {
		ids = append(ids, id)
	}
	h.mu.Unlock()
	for _, id := range ids {
		_ = h.abort(id)
	}
}
