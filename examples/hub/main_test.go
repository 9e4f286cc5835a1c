package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCommand(t *testing.T) {
	key := newSigner(t).public
	for _, args := range [][]string{
		{}, {"-store", "x"}, {"-key", key}, {"-store", "x", "-key", key, "-policy", "y"}, {"-store", "x", "-key", key, "more"},
		{"-store", "x", "-key", key, "-idle", "0s"}, {"-store", "x", "-key", key, "-bundle-time", "0s"},
		{"-store", "x", "-key", key, "-max-memory-bytes", "0"}, {"-store", "x", "-key", key, "-max-uploads", "0"}, {"-bogus"},
	} {
		var stderr bytes.Buffer
		if code := run(args, io.Discard, &stderr); code != 2 || stderr.Len() == 0 {
			t.Errorf("%q: exit code %d, %s", args, code, &stderr)
		}
	}
	dir := t.TempDir()
	for _, args := range [][]string{
		{"-store", dir, "-key", "none"}, {"-store", key, "-key", key}, {"-store", dir, "-key", key, "-listen", "nowhere:x"},
		{"-store", dir, "-key", key, "-listen", "127.0.0.1:0", "-debug-listen", "nowhere:x"},
	} {
		var stderr bytes.Buffer
		if code := run(args, io.Discard, &stderr); code != 1 || stderr.Len() == 0 {
			t.Errorf("%q: exit code %d, %s", args, code, &stderr)
		}
	}
}

// Starting a hub again where one is serving does no harm to it.
func TestStartedTwice(t *testing.T) {
	s := newSigner(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	upload := filepath.Join(dir, "uploads", rand.Text())
	if err := os.MkdirAll(upload, 0o777); err != nil {
		t.Fatal(err)
	}
	if code := run([]string{"-store", dir, "-key", s.public, "-listen", taken.Addr().String()}, io.Discard, io.Discard); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Stat(upload); err != nil {
		t.Errorf("the upload of the hub that serves there: %v", err)
	}
}

func TestHelp(t *testing.T) {
	var stderr bytes.Buffer
	if code := run([]string{"-help"}, io.Discard, &stderr); code != 0 || !strings.Contains(stderr.String(), "-store") {
		t.Errorf("exit code %d, %s", code, &stderr)
	}
}

func TestPolicy(t *testing.T) {
	a, b := newSigner(t), newSigner(t)
	file := filepath.Join(t.TempDir(), "policy.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write(fmt.Sprintf(`{"rules":[{"models":"acme-*","keys":[%q]},{"models":"*-shared","keys":[%q]}]}`, a.public, b.public))
	p, err := newPolicy(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, _, _ := newTestHub(t, p, usual)
	model := files{"config.json": []byte("{}")}
	for _, w := range []struct {
		name string
		s    signer
		kind string
	}{
		{"acme-1", a, ""}, {"acme-2", b, "identity"}, {"acme-shared", a, ""}, {"other-shared", b, ""}, {"other-2-shared", a, "identity"}, {"other", a, "identity"},
	} {
		if r := c.upload(t.Context(), w.name, w.s.sign(t, "x", model, 0), model); r.kind != w.kind || (r.status == 201) != (w.kind == "") {
			t.Errorf("%s: got %s, want %q", w.name, r, w.kind)
		}
	}
	for _, text := range []string{
		``, `{}`, `{"rules":[]}`, `{"rules":[{}]}`, `{"rules":[{"models":"*"}]}`, `{"rules":[{"models":"[","keys":["` + filepath.ToSlash(a.public) + `"]}]}`,
		`{"rules":[{"keys":["` + filepath.ToSlash(a.public) + `"]}]}`, `{"rules":[{"models":"*","keys":["none"]}]}`,
		`{"rules":[{"models":"*","keys":["` + filepath.ToSlash(a.public) + `"],"subjekt":"x"}]}`,
		`{"rules":[{"models":"*","keys":["` + filepath.ToSlash(a.public) + `"]}]} more`,
		`{"rules":[{"models":"*","identities":[{"identity":"a@example.com"}]}]}`,
		`{"rules":[{"models":"*","certificates":[{"chain":["none.pem"]}]}]}`,
	} {
		write(text)
		if _, err := newPolicy(file, nil); err == nil || !strings.Contains(err.Error(), "policy.json") {
			t.Errorf("%s: got %v", text, err)
		}
	}
	if _, err := newPolicy("", nil); err == nil {
		t.Error("nobody: got no error")
	}
}

// What a run that was killed has left is gone, and models stay.
func TestOpenStore(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"uploads/" + rand.Text() + "/files/a", "uploads/somebody else's", "models/m/files"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	s, err := openStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(s.uploads); err != nil || len(left) != 1 || left[0].Name() != "somebody else's" {
		t.Errorf("left: %v, %v", left, err)
	}
	if !s.exists("m") || s.exists("n") {
		t.Error("models are not what they were")
	}
	_, upload, err := s.newDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"m", "n", "n"} {
		want := name == "n" && !s.exists("n")
		if err := s.publish(upload, name); (err == nil) != want {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if !s.exists("m") || !s.exists("n") {
		t.Error("models are not what they should be")
	}
}
