package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

var small = files{"config.json": []byte("{}"), "a/weights.bin": bytes.Repeat([]byte("w"), 300_000), "a/b/empty": {}}

// step is a request that must be answered so.
func (c client) step(t *testing.T, method, path, body string, status int, kind string) reply {
	t.Helper()
	r := c.do(t.Context(), method, path, strings.NewReader(body))
	if r.status != status || r.kind != kind {
		t.Errorf("%s %.80q: got %s, want %d %s", method, path, r, status, kind)
	}
	return r
}

// start begins an upload.
func (c client) start(t *testing.T, name string, bundle []byte) string {
	t.Helper()
	upload, r := c.begin(t.Context(), name, bytes.NewReader(bundle))
	if r.status != http.StatusCreated {
		t.Fatalf("begin: got %s", r)
	}
	return upload
}

func TestUpload(t *testing.T) {
	s := newSigner(t)
	c, _, dir := newTestHub(t, keyPolicy(t, s), usual)
	for shard, name := range map[int64]string{0: "whole", 1 << 16: "in.shards"} {
		model := files{"config.json": small["config.json"], "a/weights.bin": small["a/weights.bin"]}
		bundle := s.sign(t, name, model, shard)
		r := c.upload(t.Context(), name, bundle, model)
		var said stored
		if err := json.Unmarshal([]byte(r.body), &said); err != nil || r.status != http.StatusCreated || said.Model != name ||
			said.Signer.Method != "key" || len(said.Signer.Subject) != 64 || !strings.HasPrefix(said.RootDigest, "sha256:") {
			t.Fatalf("%s: got %s, %v", name, r, err)
		}
		if err := s.check(dir, name); err != nil {
			t.Error(err)
		}
		if got := c.step(t, "GET", "/models/"+name, "", 200, ""); strings.TrimSpace(got.body) != strings.TrimSpace(r.body) {
			t.Errorf("got %s, want %s", got.body, r.body)
		}
		if got := c.step(t, "GET", "/models/"+name+"/bundle", "", 200, ""); got.body != string(bundle) {
			t.Errorf("got the bundle %s", got.body)
		}
		if got := c.step(t, "GET", "/models/"+name+"/files/a/weights.bin", "", 200, ""); got.body != string(model["a/weights.bin"]) {
			t.Errorf("got %d bytes", len(got.body))
		}
		// It is never replaced.
		_, r = c.begin(t.Context(), name, bytes.NewReader(bundle))
		if r.status != http.StatusConflict || r.kind != "exists" {
			t.Errorf("again: got %s", r)
		}
	}
	for _, path := range []string{"/models/none", "/models/whole/files/a", "/models/whole/files/none", "/models/whole/files/a/weights.bin/x",
		"/models/..", "/models/whole/files/" + strings.Repeat("x", 1000), "/models/whole/files/a\x00", "/models/whole/files/"} {
		if r := c.do(t.Context(), "GET", path, nil); r.status != 404 && r.status != 400 {
			t.Errorf("%s: got %s", path, r)
		}
	}
	for _, path := range []string{"/models/whole/files/../result.json", "/models/whole/files/a/../../model.sig", "/models/../models/whole"} {
		c.step(t, "GET", path, "", 400, "name")
	}
}

func TestRefused(t *testing.T) {
	s, stranger := newSigner(t), newSigner(t)
	l := usual
	l.files, l.bytes = 10, 400_000
	c, h, dir := newTestHub(t, keyPolicy(t, s), l)
	bundle := s.sign(t, "m", small, 0)
	many := files{}
	for i := range 11 {
		many[fmt.Sprint(i)] = []byte("x")
	}
	for name, c2 := range map[string]struct {
		model, bundle string
		status        int
		kind          string
	}{
		"stranger":   {"m", string(stranger.sign(t, "m", small, 0)), 403, "identity"},
		"nonsense":   {"m", "{}", 400, "malformed"},
		"nothing":    {"m", "", 400, "malformed"},
		"changed":    {"m", strings.Replace(string(bundle), `"payload":"eyJ`, `"payload":"eyA`, 1), 403, "signature"},
		"too large":  {"m", strings.Repeat(" ", 1<<20+1), 413, "too_large"},
		"too many":   {"m", string(s.sign(t, "m", many, 0)), 413, "too_many"},
		"no name":    {"-", string(bundle), 400, "name"},
		"long name":  {strings.Repeat("m", 101), string(bundle), 400, "name"},
		"odd name":   {"m\x1b", string(bundle), 400, "name"},
		"other name": {"é", string(bundle), 400, "name"},
	} {
		t.Run(name, func(t *testing.T) {
			c.step(t, "POST", "/models/"+c2.model+"/uploads", c2.bundle, c2.status, c2.kind)
			if r := c.do(t.Context(), "POST", "/models/"+c2.model+"/uploads", io.MultiReader(strings.NewReader(c2.bundle))); r.kind != c2.kind {
				t.Errorf("without a length: got %s", r)
			}
		})
	}
	if uploads, memory := h.count(); uploads != 0 || memory != 0 {
		t.Errorf("%d uploads of %d bytes", uploads, memory)
	}
	for _, id := range []string{"none", "", "%2e%2e"} {
		if r := c.do(t.Context(), "PUT", "/uploads/"+id+"/files/x", strings.NewReader("x")); r.status != 404 && r.status != 400 {
			t.Errorf("%q: got %s", id, r)
		}
	}
	u := c.start(t, "m", bundle)
	c.step(t, "PUT", u+"/files/config.json", "[]", 422, "mismatch")
	c.step(t, "PUT", u+"/files/config.json", "{}", 204, "") // once more, and right
	c.step(t, "PUT", u+"/files/config.json", "{}", 409, "exists")
	c.step(t, "PUT", u+"/files/"+strings.Repeat("x", 1000), "x", 422, "mismatch")
	c.step(t, "PUT", u+"/files/config.json/b", "x", 409, "exists")
	c.step(t, "PUT", u+"/files/a/weights.bin", strings.Repeat("w", 500_000), 413, "too_large")
	c.step(t, "POST", u+"/commit", "", 422, "mismatch")
	c.step(t, "POST", u+"/commit", "", 404, "not_found")
	c.step(t, "DELETE", u, "", 404, "not_found")
	if entries, err := os.ReadDir(filepath.Join(dir, "models")); err != nil || len(entries) > 0 {
		t.Errorf("stored: %v, %v", entries, err)
	}
}

// A name that is too long for the disk is the client's fault.
func TestLongName(t *testing.T) {
	s := newSigner(t)
	c, _, _ := newTestHub(t, keyPolicy(t, s), usual)
	name := strings.Repeat("x", 1000)
	u := c.start(t, "m", s.sign(t, "m", files{name: []byte("x")}, 0))
	c.step(t, "PUT", u+"/files/"+name, "x", 400, "name")
	c.step(t, "POST", u+"/commit", "", 409, "incomplete")
}

// What the signature does not cover is not stored, and the rest is.
func TestNotCovered(t *testing.T) {
	s := newSigner(t)
	c, _, dir := newTestHub(t, keyPolicy(t, s), usual)
	model := files{"config.json": []byte("{}"), "weights": bytes.Repeat([]byte("w"), 1000)}
	for shard, name := range map[int64]string{0: "whole", 64: "shards"} {
		u := c.start(t, name, s.sign(t, name, model, shard, ".git", "notes"))
		c.step(t, "PUT", u+"/files/.git/config", "evil", 422, "not_covered")
		c.step(t, "PUT", u+"/files/notes", "evil", 422, "not_covered")
		if shard > 0 {
			c.step(t, "PUT", u+"/files/__init__.py", "", 422, "not_covered")
		}
		for path, data := range model {
			c.step(t, "PUT", u+"/files/"+path, string(data), 204, "")
		}
		r := c.step(t, "POST", u+"/commit", "", 201, "")
		if !strings.Contains(r.body, `"not_stored":[".git/","notes"`) {
			t.Errorf("got %s", r)
		}
		if err := s.check(dir, name); err != nil {
			t.Error(err)
		}
		for _, path := range []string{".git", "notes", "__init__.py"} {
			if _, err := os.Lstat(filepath.Join(dir, "models", name, filesName, path)); err == nil {
				t.Errorf("%s: %s is stored", name, path)
			}
		}
	}
}

// Of uploads of one name at the same time, one is stored.
func TestSameName(t *testing.T) {
	s := newSigner(t)
	c, _, dir := newTestHub(t, keyPolicy(t, s), usual)
	var wait sync.WaitGroup
	replies := make([]reply, usual.uploads)
	for i := range replies {
		model := files{"config.json": fmt.Appendf(nil, "%d", i)}
		bundle := s.sign(t, "m", model, 0)
		wait.Go(func() { replies[i] = c.upload(t.Context(), "m", bundle, model) })
	}
	wait.Wait()
	won := 0
	for _, r := range replies {
		if r.status == http.StatusCreated {
			won++
		} else if r.kind != "exists" {
			t.Errorf("got %s", r)
		}
	}
	if won != 1 {
		t.Errorf("%d were stored", won)
	}
	if err := s.check(dir, "m"); err != nil {
		t.Error(err)
	}
}

// There is an end to how many uploads there are, and to how long each is.
func TestLimits(t *testing.T) {
	s := newSigner(t)
	l := usual
	l.uploads, l.pause, l.idle = 2, 3*time.Second, 500*time.Millisecond
	c, h, _ := newTestHub(t, keyPolicy(t, s), l)
	bundle := s.sign(t, "m", small, 0)
	a, b := c.start(t, "m", bundle), c.start(t, "m", bundle)
	if _, r := c.begin(t.Context(), "m", bytes.NewReader(bundle)); r.status != 503 || r.kind != "busy" {
		t.Errorf("one too many: got %s", r)
	}
	c.step(t, "DELETE", a, "", 204, "")
	c.start(t, "m", bundle)

	// A client that stalls is given up, and so is an upload that nobody goes on with.
	never, end := io.Pipe()
	defer end.Close()
	begun := time.Now()
	got := c.put(t.Context(), b, "a/weights.bin", io.MultiReader(strings.NewReader("w"), never))
	if got.kind != "stalled" && got.err == nil || time.Since(begun) > time.Minute {
		t.Errorf("stalled: got %s after %v", got, time.Since(begun))
	}
	h.drain(t)
	c.step(t, "POST", b+"/commit", "", 404, "not_found")

	l.age, l.idle = time.Second, time.Minute
	c, _, _ = newTestHub(t, keyPolicy(t, s), l)
	u := c.start(t, "m", bundle)
	time.Sleep(1100 * time.Millisecond)
	c.step(t, "PUT", u+"/files/config.json", "{}", 410, "expired")
	c.step(t, "POST", u+"/commit", "", 410, "expired")
}

// An upload that is given up while files arrive ends with the last of them.
func TestDeleteWhileBusy(t *testing.T) {
	s := newSigner(t)
	c, h, dir := newTestHub(t, keyPolicy(t, s), usual)
	u := c.start(t, "m", s.sign(t, "m", small, 0))
	r, w := io.Pipe()
	got := make(chan reply)
	go func() { got <- c.put(context.Background(), u, "a/weights.bin", r) }()
	if _, err := w.Write([]byte("w")); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); ; time.Sleep(time.Millisecond) { // until the hub has it
		if found, _ := filepath.Glob(filepath.Join(dir, "uploads", "*", "files", "a", "weights.bin")); len(found) > 0 {
			break
		}
		if time.Since(begun) > time.Minute {
			t.Fatal("nothing arrives")
		}
	}
	c.step(t, "POST", u+"/commit", "", 409, "in_use")
	c.step(t, "DELETE", u, "", 204, "")
	_, _ = w.Write([]byte("w"))
	_ = w.Close()
	if r := <-got; r.kind != "ended" && r.err == nil {
		t.Errorf("got %s", r)
	}
	h.drain(t)
}

// drain waits until there is no upload.
func (h *hub) drain(t *testing.T) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(time.Millisecond) {
		n, _ := h.count()
		if n == 0 {
			return
		}
		if time.Since(begun) > time.Minute {
			t.Fatalf("%d uploads are still there", n)
		}
	}
}

// Uploads that could take too much memory together are refused, and every end of one gives back what it had.
func TestMemory(t *testing.T) {
	s := newSigner(t)
	l := usual
	l.memory, l.pause = 2*maxOthers+100<<10, 2*time.Second
	c, h, _ := newTestHub(t, keyPolicy(t, s), l)
	model := files{}
	for i := range 40 {
		model[fmt.Sprint(i)] = []byte("x")
	}
	bundle := s.sign(t, "m", model, 0)
	full := func() string {
		t.Helper()
		a, b := c.start(t, "m", bundle), c.start(t, "m", bundle)
		if _, r := c.begin(t.Context(), "m", bytes.NewReader(bundle)); r.status != 503 || r.kind != "busy" {
			t.Errorf("one too many: got %s", r)
		}
		c.step(t, "DELETE", a, "", 204, "")
		return b
	}
	c.step(t, "DELETE", full(), "", 204, "")
	c.step(t, "POST", full()+"/commit", "", 422, "mismatch")
	full()
	h.drain(t) // after a pause
	u := full()
	for name, data := range model {
		c.step(t, "PUT", u+"/files/"+name, string(data), 204, "")
	}
	c.step(t, "POST", u+"/commit", "", 201, "")
	for i := range 100 {
		model[fmt.Sprint(i)] = []byte("x")
	}
	h.limits.memory = maxOthers + 100<<10 // which no waiting mends
	c.step(t, "POST", "/models/n/uploads", string(s.sign(t, "n", model, 0)), 413, "too_many")
}

// What the protocol does not have is answered as the rest is.
func TestNoSuchRequest(t *testing.T) {
	c, _, _ := newTestHub(t, policy{}, usual)
	for _, path := range []string{"/", "/models/org/name/uploads", "/models/m/commit"} {
		c.step(t, "POST", path, "", 404, "not_found")
	}
}

func TestCheckName(t *testing.T) {
	for _, name := range []string{"a", "a/b", ".a", "a b/é", "模型.json", "..a"} {
		if err := checkName(name); err != nil {
			t.Errorf("%q: got %v", name, err)
		}
	}
	bad := []string{"", ".", "..", "../a", "/a", "a/", "a//b", "a/../b", "./a", `a\b`, "a\x00", "a\n", "\x1b[2J", "\x7f"}
	if runtime.GOOS == "windows" {
		bad = append(bad, "C:a", "NUL", "a/CON.txt")
	}
	for _, name := range bad {
		if checkName(name) == nil {
			t.Errorf("%q: got no error", name)
		}
	}
}
