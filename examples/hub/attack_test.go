package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// dial opens a connection to the hub, on which a test says what no client of package http would.
func (c client) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// A body that never comes holds no connection for longer than the hub waits, though nothing of it is asked for.
func TestBodyThatNeverComes(t *testing.T) {
	s := newSigner(t)
	l := usual
	l.idle = 200 * time.Millisecond
	c, _, _ := newTestHub(t, keyPolicy(t, s), l)
	for _, line := range []string{"DELETE /uploads/none", "POST /uploads/none/commit", "PUT /uploads/none/files/x",
		"POST /models/-/uploads", "GET /models/none", "PUT /a/../b", "POST /nothing"} {
		conn := c.dial(t)
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: hub\r\nContent-Length: 10\r\n\r\n", line); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := io.ReadAll(conn); errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) < l.idle/2 {
			t.Errorf("%s: after %v got %v, want the hub to wait for a while, and no longer", line, time.Since(began), err)
		}
	}
}

// trickle is a bundle that comes byte by byte, none of them late, and never ends.
type trickle struct{ every time.Duration }

func (r trickle) Read(p []byte) (int, error) {
	time.Sleep(r.every)
	return copy(p, " "), nil
}

// Bundles that never arrive, and so have no signature yet, take no upload away from others, and end soon.
func TestBundlesThatNeverArrive(t *testing.T) {
	s := newSigner(t)
	l := usual
	l.uploads, l.arrival = 1, 3*time.Second
	c, h, dir := newTestHub(t, keyPolicy(t, s), l)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if _, r := c.begin(ctx, "m", trickle{50 * time.Millisecond}); r.kind != "stalled" && r.err == nil || ctx.Err() != nil {
				t.Errorf("byte by byte: got %s", r)
			}
		})
	}
	arriving := func() int {
		found, _ := filepath.Glob(filepath.Join(dir, "uploads", "*", bundleName))
		return len(found)
	}
	for arriving() < 20 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	if n, _ := h.count(); n != 0 {
		t.Errorf("%d uploads without a signature", n)
	}
	if r := c.upload(t.Context(), "m", s.sign(t, "m", small, 0), small); r.status != http.StatusCreated {
		t.Errorf("a good upload: got %s", r)
	}
	wait.Wait()
	for arriving() > 0 {
		if time.Sleep(time.Millisecond); ctx.Err() != nil {
			t.Fatal("bundles are left")
		}
	}
}

// Who takes no answers holds no connection for longer than the hub waits, though the answers have no body.
func TestAnswersThatNobodyTakes(t *testing.T) {
	s := newSigner(t)
	l := usual
	l.idle = 200 * time.Millisecond
	c, h, _ := newTestHub(t, keyPolicy(t, s), l)
	model := files{"config.json": []byte("{}")}
	if r := c.upload(t.Context(), "m", s.sign(t, "m", model, 0), model); r.status != http.StatusCreated {
		t.Fatal(r)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	watched := watch{listener, make(chan struct{}, 1)}
	defer start(watched, h.handler(), l, "serving", t.Output())(t.Context())
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	go func() {
		for asked := bytes.Repeat([]byte("HEAD /models/m HTTP/1.1\r\nHost: hub\r\n\r\n"), 1000); ; {
			if _, err := conn.Write(asked); err != nil {
				return
			}
		}
	}()
	select {
	case <-watched.closed: // which the other end may not hear of, whose system takes nothing more
	case <-time.After(time.Minute):
		t.Error("the hub still waits")
	}
}

// A watch is a listener that tells when a connection is closed on this side.
type watch struct {
	net.Listener
	closed chan struct{}
}

func (w watch) Accept() (net.Conn, error) {
	c, err := w.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &watchedConn{c, w.closed}, nil
}

type watchedConn struct {
	net.Conn
	closed chan struct{}
}

func (c *watchedConn) Close() error {
	select {
	case c.closed <- struct{}{}:
	default:
	}
	return c.Conn.Close()
}

// The names of files that nobody has signed take a bounded part of the memory, and of the signed ones no place.
func TestNamesThatNobodySigned(t *testing.T) {
	s := newSigner(t)
	c, h, _ := newTestHub(t, keyPolicy(t, s), usual)
	h.limits.files = 100_000
	for name, long := range map[string]string{"long": strings.Repeat("x", 8000), "deep": strings.Repeat("x/", 900)} {
		u := c.start(t, "m", s.sign(t, "m", small, 0))
		before := heap()
		refused := 0
		for i := range 2000 {
			if r := c.put(t.Context(), u, long+strconv.Itoa(i), strings.NewReader("x")); r.kind == "too_many" {
				refused++
			}
		}
		if took := heap() - before; took > 4<<20 || refused < 1900 {
			t.Errorf("%s: %d bytes, %d refused", name, took, refused)
		}
		c.step(t, "PUT", u+"/files/config.json", "{}", 204, "")
	}
}

// Of a request line the hub keeps the name of the file, and not what else is in it.
func TestNamesInLongRequests(t *testing.T) {
	s := newSigner(t)
	c, _, _ := newTestHub(t, keyPolicy(t, s), usual)
	model := files{}
	for i := range 100 {
		model[strconv.Itoa(i)] = []byte("x")
	}
	u := c.start(t, "m", s.sign(t, "m", model, 0))
	before := heap()
	for name := range model {
		req, err := http.NewRequestWithContext(t.Context(), "PUT", c.url+u+"/files/"+name+"?"+strings.Repeat("x", 60_000), strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if res.Body.Close(); res.StatusCode != http.StatusNoContent {
			t.Fatal(res.Status)
		}
	}
	if took := heap() - before; took > 2<<20 {
		t.Errorf("%d bytes for %d names", took, len(model))
	}
}

// An upload takes no more memory than the hub counts for it, whatever is sent.
func TestMemoryOfUploads(t *testing.T) {
	s := newSigner(t)
	l := usual
	l.files = 10_000
	c, h, _ := newTestHub(t, keyPolicy(t, s), l)
	for what, name := range map[string]func(i int) string{
		"short": strconv.Itoa,
		"long":  func(i int) string { return strings.Repeat("x", 200) + strconv.Itoa(i) },
		"deep":  func(i int) string { return strconv.Itoa(i) + strings.Repeat("/x", 9) },
	} {
		model := files{}
		for i := range 900 {
			model[name(i)] = []byte("x")
		}
		bundle := s.sign(t, "m", model, 0)
		before := heap()
		id := strings.TrimPrefix(c.start(t, "m", bundle), "/uploads/")
		u, done, err := h.use(id)
		if err != nil {
			t.Fatal(err)
		}
		for path := range model {
			if err := u.put(path, strings.NewReader("y")); err == nil {
				t.Fatal("what was not signed is taken")
			}
		}
		if took := heap() - before; took > u.memory {
			t.Errorf("%s: %d bytes, and %d are counted", what, took, u.memory)
		}
		done()
		if err := h.abort(id); err != nil {
			t.Fatal(err)
		}
	}
}

// heap returns how many bytes are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Two that send one file at the same time, one of them without its bytes, do not take it away from each other.
func TestEmptyAndWholeAtOnce(t *testing.T) {
	s := newSigner(t)
	c, h, _ := newTestHub(t, keyPolicy(t, s), usual)
	model := files{"weights.bin": []byte("weights")}
	bundle := s.sign(t, "m", model, 4)
	end := time.Now().Add(3 * time.Minute)
	for round := range 150 {
		id := strings.TrimPrefix(c.start(t, "m", bundle), "/uploads/")
		u, done, err := h.use(id)
		if err != nil {
			t.Fatal(err)
		}
		var stop atomic.Bool
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for !stop.Load() {
					_ = u.put("weights.bin", strings.NewReader(""))
				}
			})
		}
		err = u.put("weights.bin", bytes.NewReader(model["weights.bin"]))
		for err != nil && time.Now().Before(end) {
			err = u.put("weights.bin", bytes.NewReader(model["weights.bin"]))
		}
		stop.Store(true)
		wg.Wait()
		if err != nil {
			t.Fatalf("round %d: the file never comes: %v", round, err)
		}
		_, err = os.Stat(filepath.Join(u.dir, filesName, "weights.bin"))
		done()
		if err := errors.Join(err, h.abort(id)); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
}
