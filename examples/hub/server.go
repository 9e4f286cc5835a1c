package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"time"

	"github.com/modelsigning/modelsigning/verifying"
)

// modelNames are the names that models may have: they are directories on any system.
var modelNames = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

func (h *hub) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, f := range map[string]func(http.ResponseWriter, *http.Request) error{
		"POST /models/{name}/uploads":        h.begin,
		"PUT /uploads/{id}/files/{path...}":  h.put,
		"POST /uploads/{id}/commit":          h.commit,
		"DELETE /uploads/{id}":               h.abandon,
		"GET /models/{name}":                 h.get(func(*http.Request) string { return resultName }),
		"GET /models/{name}/bundle":          h.get(func(*http.Request) string { return bundleName }),
		"GET /models/{name}/files/{path...}": h.get(func(r *http.Request) string { return filesName + "/" + r.PathValue("path") }),
		"/":                                  func(http.ResponseWriter, *http.Request) error { return errNothing },
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := f(w, r); err != nil {
				h.fail(w, r, err)
			}
		})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		w = &impatientWriter{w, c, h.limits.idle}
		if r.ContentLength != 0 {
			// What of a body nobody here reads, the server reads before it answers.
			_ = c.SetReadDeadline(time.Now().Add(h.limits.idle))
		}
		// The mux would send such a client to a path that it has not asked for.
		if r.URL.Path != path.Clean(r.URL.Path) {
			h.fail(w, r, &refusal{http.StatusBadRequest, "name", "the path is not a clean one"})
			return
		}
		r.Body = &impatient{r.Body, c, h.limits.idle, time.Now().Add(h.limits.age)}
		mux.ServeHTTP(w, r)
	})
}

func (h *hub) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, f := describe(err)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "10")
	}
	if status == http.StatusInternalServerError {
		h.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	answer(w, status, map[string]failure{"error": f})
}

// begin takes the bundle of a model.
func (h *hub) begin(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if !modelNames.MatchString(name) || !filepath.IsLocal(name) {
		return &refusal{http.StatusBadRequest, "name", "no model may have this name"}
	}
	accepted, ok := h.policy.verifier(name, h.limits.files)
	switch {
	case !ok:
		return &refusal{http.StatusForbidden, "identity", "nobody may sign a model of this name"}
	case h.store.exists(name):
		return &refusal{http.StatusConflict, "exists", "there is a model of this name"}
	case r.ContentLength > h.limits.bundle:
		return &refusal{http.StatusRequestEntityTooLarge, "too_large", "the bundle is too large"}
	}
	if b, ok := r.Body.(*impatient); ok {
		b.until = time.Now().Add(h.limits.arrival) // who sends it byte by byte takes a connection from others
	}
	u := &upload{model: name}
	u.left.Store(h.limits.bytes)
	if err := h.open(r.Context(), u, accepted, http.MaxBytesReader(w, r.Body, h.limits.bundle)); err != nil {
		return err
	}
	w.Header().Set("Location", "/uploads/"+u.id)
	answer(w, http.StatusCreated, map[string]string{"upload": u.id})
	return nil
}

// open makes an upload of a bundle, or nothing. Only one that is verified counts as an upload.
func (h *hub) open(ctx context.Context, u *upload, accepted verifying.Configuration, bundle io.Reader) (err error) {
	if u.id, u.dir, err = h.store.newDir(); err == nil {
		err = u.receiveBundle(bundle)
	}
	if err == nil {
		err = h.verify(ctx, u, accepted)
	}
	if err != nil {
		h.remove(u)
	}
	return err
}

func (h *hub) put(w http.ResponseWriter, r *http.Request) error {
	u, done, err := h.use(r.PathValue("id"))
	if err != nil {
		return err
	}
	defer done()
	if err := u.put(r.PathValue("path"), r.Body); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// commit ends an upload, one way or the other.
func (h *hub) commit(w http.ResponseWriter, r *http.Request) error {
	u, err := h.take(r.PathValue("id"))
	if err != nil {
		return err
	}
	defer h.discard(u)
	done, err := h.store.commit(u)
	if err != nil {
		return err
	}
	h.log.Info("stored", "model", u.model, "signer", done.Signer.Subject, "root", done.RootDigest)
	w.Header().Set("Location", "/models/"+u.model)
	answer(w, http.StatusCreated, done)
	return nil
}

func (h *hub) abandon(w http.ResponseWriter, r *http.Request) error {
	if err := h.abort(r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// get serves one of the files of a model that is stored.
func (h *hub) get(which func(*http.Request) string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		name := r.PathValue("name")
		if !modelNames.MatchString(name) || !filepath.IsLocal(name) {
			return fs.ErrNotExist
		}
		file := which(r)
		if err := checkName(file); err != nil {
			return err
		}
		root, err := os.OpenRoot(filepath.Join(h.store.models, name))
		if err != nil {
			return err
		}
		defer root.Close()
		f, err := root.Open(filepath.FromSlash(file))
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil || !info.Mode().IsRegular() {
			return errors.Join(err, fs.ErrNotExist)
		}
		// What strangers have uploaded is never shown by a browser as a page of this server.
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		http.ServeContent(w, r, "", info.ModTime(), f)
		return nil
	}
}

// impatient is the body of a request. It fails when nothing arrives for too long, or all of it takes too long.
type impatient struct {
	io.ReadCloser
	c     *http.ResponseController
	idle  time.Duration
	until time.Time
}

func (b *impatient) Read(p []byte) (int, error) {
	deadline := time.Now().Add(b.idle)
	if deadline.After(b.until) {
		deadline = b.until
	}
	if err := b.c.SetReadDeadline(deadline); err != nil {
		return 0, err
	}
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF { // what the server does now may take its time
		err = cmp.Or(b.c.SetReadDeadline(time.Time{}), err)
	}
	return n, err
}

// impatientWriter is a response. It fails when nothing of it is taken for too long.
type impatientWriter struct {
	http.ResponseWriter
	c    *http.ResponseController
	idle time.Duration
}

// WriteHeader is for responses that are nothing else.
func (w *impatientWriter) WriteHeader(status int) {
	_ = w.c.SetWriteDeadline(time.Now().Add(w.idle))
	w.ResponseWriter.WriteHeader(status)
}

func (w *impatientWriter) Write(p []byte) (int, error) {
	if err := w.c.SetWriteDeadline(time.Now().Add(w.idle)); err != nil {
		return 0, err
	}
	return w.ResponseWriter.Write(p)
}
