package hashing_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// changes are what may happen to a file between its listing and the end of its reading.
var changes = map[string]func(p string) error{
	"shrunk":  func(p string) error { return os.Truncate(p, 1) },
	"emptied": func(p string) error { return os.Truncate(p, 0) },
	"grown": func(p string) error {
		f, err := os.OpenFile(p, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		f.Write([]byte("x"))
		return f.Close()
	},
	"written": func(p string) error {
		f, err := os.OpenFile(p, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		f.Write([]byte("y"))
		f.Close()
		return os.Chtimes(p, time.Time{}, time.Now().Add(time.Hour)) // clocks of file systems are coarse
	},
	"replaced": func(p string) error {
		info, err := os.Stat(p)
		if err != nil {
			return err
		}
		tmp := p + ".tmp"
		if err := os.WriteFile(tmp, make([]byte, info.Size()), 0o666); err != nil {
			return err
		}
		os.Chtimes(tmp, time.Time{}, info.ModTime())
		return os.Rename(tmp, p)
	},
	"removed": os.Remove,
	"made a directory": func(p string) error {
		os.Remove(p)
		return os.Mkdir(p, 0o777)
	},
	"made a link": func(p string) error {
		os.Rename(p, p+".old")
		return os.Symlink(filepath.Base(p)+".other", p)
	},
	"made a link out of the model": func(p string) error {
		os.Remove(p)
		return os.Symlink(os.Args[0], p)
	},
}

func TestChangedWhileHashed(t *testing.T) {
	shards := hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 2 << 20})
	blake3 := hashing.Config().UseFileSerialization(hashing.Files{Algorithm: manifest.BLAKE3})
	for name, c := range map[string]hashing.Configuration{
		"files": hashing.Config(), "shards": shards, "blake3": blake3,
		"mapped": hashing.Config().SetMapped(true), "mapped shards": shards.SetMapped(true), "mapped blake3": blake3.SetMapped(true),
	} {
		for what, change := range changes {
			for _, victim := range []string{"big", "small", "middle"} {
				for _, workers := range []int{1, 2, 5} {
					if workers > 1 && victim == "small" {
						continue // it may have been read by the time that anything is reported
					}
					t.Run(name+"/"+what+"/"+victim, func(t *testing.T) {
						testChange(t, c.SetMaxWorkers(workers), victim, change)
					})
				}
			}
		}
	}
}

// testChange changes the victim as soon as hashing begins: large files are the first, and small ones the last.
func testChange(t *testing.T, c hashing.Configuration, victim string, change func(string) error) {
	root := write(t, map[string]string{
		"big": strings.Repeat("b", 5<<20), "big.other": strings.Repeat("b", 5<<20),
		"middle": strings.Repeat("m", 1<<20), "middle.other": "", "small": "s", "small.other": "s"})
	p := filepath.Join(root, victim)
	goroutines, open := runtime.NumGoroutine(), openFiles()
	var once bool
	_, err := c.AddIgnoredPaths("small.other", "big.other", "middle.other").SetProgress(func(hashing.Progress) {
		if !once {
			once = true
			if err := change(p); err != nil {
				t.Error(err)
			}
		}
	}).Hash(root)
	var pe *fs.PathError
	if !errors.Is(err, hashing.ErrChanged) || !errors.As(err, &pe) || pe.Path != p {
		t.Errorf("got %v, want that %s changed", err, p)
	}
	wantGoroutines(t, goroutines)
	if n := openFiles(); n != open {
		t.Errorf("%d files are open, there were %d before", n, open)
	}
}

// openFiles counts the files that the program has open, where the system tells.
func openFiles() int {
	list, _ := os.ReadDir("/proc/self/fd")
	return len(list)
}
