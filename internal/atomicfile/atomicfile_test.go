package atomicfile_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/modelsigning/modelsigning/internal/atomicfile"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func content(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	for _, want := range []string{"one", "two"} { // the second replaces the first
		target, err := atomicfile.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := target.Write(text(want)); err != nil || content(t, name) != want {
			t.Errorf("got %q, %v, want %q", content(t, name), err, want)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("temporary files are left: %v", entries)
	}
}

func TestWriteFails(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	failure := errors.New("no")
	for _, old := range []string{"", "old"} {
		if old != "" {
			if err := os.WriteFile(name, []byte(old), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		target, err := atomicfile.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		err = target.Write(func(w io.Writer) error {
			io.WriteString(w, "half")
			return failure
		})
		if !errors.Is(err, failure) {
			t.Errorf("got %v", err)
		}
		if old != "" && content(t, name) != old {
			t.Errorf("the old file is %q", content(t, name))
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("temporary files are left: %v", entries)
	}
}

// What others put there while the file is written is not lost, whatever was there before.
func TestChangedMeanwhile(t *testing.T) {
	for _, before := range []string{"", "before"} {
		name := filepath.Join(t.TempDir(), "file")
		if before != "" {
			if err := os.WriteFile(name, []byte(before), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		target, err := atomicfile.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		err = target.Write(func(w io.Writer) error {
			return os.WriteFile(name, []byte("years of work"), 0o600)
		})
		if !errors.Is(err, atomicfile.ErrChanged) {
			t.Errorf("got %v, want ErrChanged", err)
		}
		if got := content(t, name); got != "years of work" {
			t.Errorf("%q was replaced by %q", "years of work", got)
		}
	}
}

// The last writer's file stays, with its own permissions.
func TestReplace(t *testing.T) {
	for _, before := range []string{"", "before"} {
		name := filepath.Join(t.TempDir(), "file")
		if before != "" {
			if err := os.WriteFile(name, []byte(before), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		target, err := atomicfile.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		err = target.Replace(0o600, func(w io.Writer) error {
			io.WriteString(w, "last")
			return os.WriteFile(name, []byte("first"), 0o666)
		})
		if err != nil || content(t, name) != "last" {
			t.Errorf("got %q, %v", content(t, name), err)
		}
		if info, err := os.Stat(name); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("got %v, %v", info, err)
		}
		target.Replace(0o600, func(io.Writer) error { return io.ErrClosedPipe })
		if entries, _ := os.ReadDir(filepath.Dir(name)); len(entries) != 1 || content(t, name) != "last" {
			t.Errorf("found %v", entries)
		}
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	file, link, dangling := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "dangling")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var pathError *fs.PathError
	if err := errors.Join(os.Symlink(file, link), os.Symlink("nowhere", dangling)); err != nil {
		t.Log("no symbolic links here: ", err)
	} else {
		real, _ := filepath.EvalSymlinks(file)
		if target, err := atomicfile.Find(link); err != nil || target.Path() != real || target.Old() == nil {
			t.Errorf("got %v, %v, want %s", target, err, real)
		}
		loop := filepath.Join(dir, "loop")
		if err := os.Symlink("loop", loop); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{dangling, loop} {
			if _, err := atomicfile.Find(name); !errors.As(err, &pathError) || pathError.Path != name {
				t.Errorf("link that leads nowhere: got %v, want an error about %s", err, name)
			}
		}
	}
	for _, name := range []string{dir, os.DevNull} {
		if _, err := atomicfile.Find(name); !errors.As(err, &pathError) {
			t.Errorf("%s: got %v, want a *fs.PathError", name, err)
		}
	}
}
