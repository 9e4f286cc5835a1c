package hashing_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
)

func TestSetParts(t *testing.T) {
	root := write(t, map[string]string{
		".git/HEAD": "x", "a.b": "x", "d/e/f": "2", "d/e/g": "x", "d/h": "x", "i/j": "x", "d/e/link": "-> nowhere", "i/link": "-> nowhere"})
	c := hashing.Config().SetParts("d/e/f", "absent", "a.b", "h/i")
	r, err := c.Report(context.Background(), root)
	must(t, err)
	equal(t, "resources", lines(r.Manifest), wants("a.b", "x", "d/e/f", "2"))
	equal(t, "unlisted", r.Unlisted, nil)
	equal(t, "ignored", r.Ignored, []string{".git/"})
	if _, err := c.SetParts("d/e/link").Report(context.Background(), root); !errors.Is(err, hashing.ErrSymlink) {
		t.Errorf("a link: got %v", err)
	}
	if _, err := c.Hash(root); err == nil {
		t.Error("a manifest of parts is taken for the model's")
	}
	if _, err := c.HashFS(context.Background(), os.DirFS(root), "m"); err == nil {
		t.Error("a manifest of parts is taken for the model's")
	}
	r, err = c.SetOnly("a.b").Report(context.Background(), root)
	must(t, err)
	equal(t, "SetOnly looks at all", r.Unlisted, []string{"d/e/f", "d/e/g", "d/e/link", "d/h", "i/j", "i/link"})
	r, err = c.SetParts().AddIgnoredPaths("i", "d").Report(context.Background(), root)
	must(t, err)
	equal(t, "no restriction", lines(r.Manifest), wants("a.b", "x"))
}
