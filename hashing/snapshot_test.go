package hashing_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

const revision = "0123456789abcdef0123456789abcdef01234567"

// snapshot makes a cache of which one snapshot has these files, as write does, and returns the snapshot's directory.
// Beside it are blobs one and two, a FIFO's worth of other things, and files that no link may lead to.
func snapshot(t *testing.T, files map[string]string) string {
	t.Helper()
	all := map[string]string{
		"models--org--m/blobs/one": "1", "models--org--m/blobs/two": strings.Repeat("2", 300_000),
		"models--org--m/blobs/dir/f": "x", "models--org--m/blobs/link": "-> one", "models--org--m/blobs/out": "-> ../../secret",
		"models--org--m/refs/main": revision, "models--org--m/.no_exist/" + revision + "/added_tokens.json": "",
		"models--org--other/blobs/one": "1", "secret": "secret",
	}
	for name, content := range files {
		all["models--org--m/snapshots/"+revision+"/"+name] = content
	}
	return filepath.Join(write(t, all), "models--org--m/snapshots", revision)
}

// open closes the snapshot when the test ends.
func open(t *testing.T, dir string) *hashing.Snapshot {
	t.Helper()
	s, err := hashing.OpenSnapshot(dir)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func TestSnapshot(t *testing.T) {
	dir := snapshot(t, map[string]string{
		"a": "-> ../../blobs/one", "b": "-> ../../blobs/one", "d/e/f": "-> ../../../../blobs/two", "plain": "3", "d/empty": ""})
	dir, err := filepath.EvalSymlinks(dir) // on macOS temporary files are behind a link
	must(t, err)
	abs := filepath.Join(filepath.Dir(filepath.Dir(dir)), "blobs/two")
	must(t, os.Symlink(abs, filepath.Join(dir, "d/absolute")))
	must(t, fstest.TestFS(open(t, dir), "a", "b", "d/e/f", "plain", "d/absolute"))
	two := strings.Repeat("2", 300_000)
	plain := write(t, map[string]string{"a": "1", "b": "1", "d/absolute": two, "d/e/f": two, "d/empty": "", "plain": "3"})
	link := filepath.Join(t.TempDir(), "link")
	must(t, os.Symlink(dir, link))
	for _, c := range []hashing.Configuration{
		hashing.Config(), hashing.Config().SetAllowSymlinks(true), hashing.Config().SetMaxWorkers(1).SetMapped(true),
		hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 100_000, Algorithm: manifest.BLAKE3})} {
		want, err := c.Hash(plain)
		must(t, err)
		for _, dir := range []string{dir, link, dir + "/d/.."} {
			got, err := c.HashFS(context.Background(), open(t, dir), "model")
			must(t, err)
			equal(t, dir, lines(got), lines(want))
			got, err = c.SetHuggingFace(true).Hash(dir)
			must(t, err)
			equal(t, "by its path", lines(got), lines(want))
			before := openFiles()
			tree, err := c.SetHuggingFace(true).OpenTree(context.Background(), dir)
			must(t, err)
			if f, err := tree.Open("a"); err != nil {
				t.Error(err)
			} else {
				f.Close()
			}
			must(t, tree.Close())
			if n := openFiles(); n != before {
				t.Errorf("%d files are open, there were %d before", n, before)
			}
		}
	}
}

// An absolute link may spell the way to the cache as the caller does.
func TestSnapshotBehindLink(t *testing.T) {
	dir := snapshot(t, map[string]string{"a": "-> ../../blobs/one"})
	cache := filepath.Join(t.TempDir(), "cache")
	must(t, os.Symlink(filepath.Dir(filepath.Dir(filepath.Dir(dir))), cache))
	must(t, os.Symlink(filepath.Join(cache, "models--org--m/blobs/one"), filepath.Join(dir, "b")))
	m, err := hashing.Config().HashFS(context.Background(), open(t, filepath.Join(cache, "models--org--m/snapshots", revision)), "m")
	must(t, err)
	equal(t, "resources", lines(m), wants("a", "1", "b", "1"))
	if _, err := hashing.Config().HashFS(context.Background(), open(t, dir), "m"); !errors.Is(err, hashing.ErrSymlink) {
		t.Errorf("a link by another way than the caller's: got %v", err)
	}
}

func TestSnapshotRefuses(t *testing.T) {
	for target, want := range map[string]error{
		"../../../secret":                       nil,
		"../../blobs/missing":                   fs.ErrNotExist,
		"../../blobs/dir":                       hashing.ErrNotRegular,
		"../../blobs/dir/f":                     nil,
		"../../blobs/link":                      hashing.ErrNotRegular,
		"../../blobs/out":                       hashing.ErrNotRegular,
		"../../blobs/../refs/main":              nil,
		"../../blobs/..":                        nil,
		"../../blobs/.":                         nil,
		"../../blobs/":                          nil,
		"../../blobs":                           nil,
		"../../blobs//one":                      nil,
		"../../refs/main":                       nil,
		"../../refs/../blobs/one":               nil,
		"../..//blobs/one":                      nil,
		"./../../blobs/one":                     nil,
		"../../../models--org--m/blobs/one":     nil,
		"../../../models--org--other/blobs/one": nil,
		"../../../../blobs/one":                 nil,
		"../blobs/one":                          nil,
		"blobs/one":                             nil,
		"plain":                                 nil,
		"../" + revision + "/plain":             nil,
		".":                                     nil,
		"..":                                    nil,
		"../../.no_exist/" + revision:           nil,
		"/etc/passwd":                           nil,
		"/blobs/one":                            nil,
		"ABSOLUTE/../../blobs/one":              nil,
		"ABSOLUTE/blobs/../blobs/one":           nil,
		"ABSOLUTE//blobs/one":                   nil,
		"ABSOLUTE/blobs/link":                   hashing.ErrNotRegular,
		"ABSOLUTE/blobs/missing":                fs.ErrNotExist,
		"ABSOLUTE/refs/main":                    nil,
		"ABSOLUTE/snapshots/" + revision + "/plain": nil,
	} {
		dir := snapshot(t, map[string]string{"plain": "3"})
		target = strings.Replace(target, "ABSOLUTE", filepath.Dir(filepath.Dir(dir)), 1)
		must(t, os.Symlink(target, filepath.Join(dir, "x")))
		s := open(t, dir)
		_, err := hashing.Config().SetAllowSymlinks(true).HashFS(context.Background(), s, "m")
		checkRefused(t, target, filepath.Join("m", "x"), err)
		if want != nil && !errors.Is(err, want) || errors.Is(err, hashing.ErrChanged) {
			t.Errorf("%s: got %v, want %v", target, err, want)
		}
		if f, err := s.Open("x"); !errors.Is(err, hashing.ErrSymlink) {
			t.Errorf("%s: opened %v, %v", target, f, err)
		}
		_, err = hashing.Config().SetHuggingFace(true).Hash(dir)
		checkRefused(t, target, filepath.Join(dir, "x"), err)
	}
}

// checkRefused wants an error that names the link and where it leads.
func checkRefused(t *testing.T, target, name string, err error) {
	t.Helper()
	var pe *fs.PathError
	if !errors.Is(err, hashing.ErrSymlink) || !errors.As(err, &pe) || pe.Path != name || !strings.Contains(err.Error(), `"`+target+`"`) {
		t.Errorf("%s: got %v", target, err)
	}
}

// Links in the place of the cache's own directories, and what is no snapshot.
func TestOpenSnapshotRefuses(t *testing.T) {
	dir := snapshot(t, map[string]string{"d/plain": "3", "x": "-> ../../blobs/one", "up": "-> ../../refs", "d/up": "-> .."})
	s := open(t, dir)
	for _, name := range []string{"up/main", "up", "d/up/x", "d/up/d/plain"} {
		if _, err := s.Open(name); !errors.Is(err, hashing.ErrSymlink) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, name := range []string{"d/plain/x", "none", "none/x", "d/none"} {
		if _, err := s.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, name := range []string{"", "/", "../x", "d/../x", "/etc/passwd", "d/", "x\x00"} {
		if _, err := s.Open(name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q: got %v", name, err)
		}
	}
	repository := filepath.Dir(filepath.Dir(dir))
	for _, not := range []string{repository, filepath.Dir(dir), filepath.Join(dir, "d"), filepath.Join(dir, "d/plain"), filepath.Join(dir, "no"), ""} {
		if _, err := hashing.OpenSnapshot(not); err == nil {
			t.Errorf("%q is taken for a snapshot", not)
		}
	}
	must(t, os.Rename(filepath.Join(repository, "blobs"), filepath.Join(repository, "moved")))
	_, err := hashing.Config().AddIgnoredPaths("up", "d/up").HashFS(context.Background(), open(t, dir), "m")
	if !errors.Is(err, hashing.ErrSymlink) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without blobs: got %v", err)
	}
	must(t, os.Symlink("moved", filepath.Join(repository, "blobs")))
	if _, err := hashing.OpenSnapshot(dir); !errors.Is(err, hashing.ErrSymlink) {
		t.Errorf("blobs is a link: got %v", err)
	}
}

func TestSnapshotClosed(t *testing.T) {
	before := openFiles()
	s, err := hashing.OpenSnapshot(snapshot(t, map[string]string{"d/x": "-> ../../../blobs/one"}))
	must(t, err)
	_, err = hashing.Config().HashFS(context.Background(), s, "m")
	must(t, err)
	must(t, s.Close())
	if n := openFiles(); n != before {
		t.Errorf("%d files are open, there were %d before", n, before)
	}
	if _, err := s.Open("d/x"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// What is done to a blob, or to the link, while the snapshot is hashed is noticed.
func TestSnapshotChanges(t *testing.T) {
	for what, change := range map[string]func(dir, blobs string) error{
		"blob replaced": func(_, blobs string) error {
			return errors.Join(os.WriteFile(blobs+"/new", []byte(strings.Repeat("3", 300_000)), 0o666), os.Rename(blobs+"/new", blobs+"/two"))
		},
		"blob removed":   func(_, blobs string) error { return os.Remove(blobs + "/two") },
		"blob truncated": func(_, blobs string) error { return os.Truncate(blobs+"/two", 10) },
		"blob made a link": func(_, blobs string) error {
			return errors.Join(os.Rename(blobs+"/two", blobs+"/three"), os.Symlink("three", blobs+"/two"))
		},
		"link led elsewhere": func(dir, _ string) error {
			return errors.Join(os.Remove(dir+"/x"), os.Symlink("../../blobs/one", dir+"/x"))
		},
		"link led out": func(dir, _ string) error {
			return errors.Join(os.Remove(dir+"/x"), os.Symlink("../../../secret", dir+"/x"))
		},
	} {
		dir := snapshot(t, map[string]string{"x": "-> ../../blobs/two", "y": "-> ../../blobs/one"})
		var once sync.Once
		_, err := hashing.Config().SetMaxWorkers(1).SetHuggingFace(true).SetProgress(func(hashing.Progress) {
			once.Do(func() { must(t, change(dir, filepath.Join(dir, "../../blobs"))) })
		}).Hash(dir)
		var pe *fs.PathError
		if !errors.As(err, &pe) || pe.Path != filepath.Join(dir, "x") || !errors.Is(err, hashing.ErrChanged) && !errors.Is(err, hashing.ErrSymlink) {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

// Somebody swaps a file, a directory and a blob for links to a secret as fast as they can. It is never read.
func TestSnapshotRace(t *testing.T) {
	dir := snapshot(t, map[string]string{"x": "-> ../../blobs/one", "d/y": "-> ../../../blobs/one"})
	outside := filepath.Join(dir, "../../../elsewhere")
	must(t, os.Mkdir(outside, 0o777))
	must(t, os.WriteFile(filepath.Join(outside, "y"), []byte("secret"), 0o666))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for _, swap := range []struct{ name, to string }{{"x", "../../../secret"}, {"d", "../../../elsewhere"}, {"../../blobs/one", "../../secret"}} {
		wg.Go(func() {
			name, aside, link := filepath.Join(dir, swap.name), filepath.Join(dir, "../../aside"+filepath.Base(swap.name)), filepath.Join(dir, "../../link"+filepath.Base(swap.name))
			for {
				select {
				case <-stop:
					return
				default:
				}
				os.Symlink(swap.to, link)
				os.Rename(name, aside)
				os.Rename(link, name)
				runtime.Gosched()
				os.Remove(name)
				os.Rename(aside, name)
			}
		})
	}
	good, bad := 0, digest(manifest.SHA256, []byte("secret"))
	for range 500 {
		m, err := hashing.Config().SetHuggingFace(true).Hash(dir)
		var pe *fs.PathError
		if err != nil && !errors.As(err, &pe) {
			t.Errorf("got %v", err)
		}
		if err == nil {
			good++
			if strings.Contains(strings.Join(lines(m), " "), bad) {
				t.Fatalf("got %s", lines(m))
			}
		}
	}
	close(stop)
	wg.Wait()
	t.Logf("%d of 500 runs found nothing changed", good)
}

func TestSetHuggingFaceOnDirectory(t *testing.T) {
	root := write(t, map[string]string{"w": "1", ".cache/huggingface/download/w.metadata": "x", ".cache/other": "2"})
	c := hashing.Config().SetHuggingFace(true)
	r, err := c.Report(context.Background(), root)
	must(t, err)
	equal(t, "resources", lines(r.Manifest), wants(".cache/other", "2", "w", "1"))
	equal(t, "ignored", r.Ignored, []string{".cache/huggingface/"})
	if r, err = c.SetHuggingFace(false).Report(context.Background(), root); err != nil || len(r.Manifest.Resources) != 3 {
		t.Errorf("got %v, %v", r, err)
	}
	m, err := c.Hash(filepath.Join(root, "w"))
	must(t, err)
	equal(t, "a file", lines(m), wants("w", "1"))
}
