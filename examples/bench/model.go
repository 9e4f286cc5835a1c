package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/modelsigning/modelsigning/manifest"
)

// A model is some files by number and size, and how they are to be hashed.
type model struct {
	shape     string
	algorithm manifest.Algorithm
	groups    []group
}

type group struct {
	files int
	size  int64
}

// perDir keeps directories to a size that people make by hand.
const perDir = 100

var units = []struct {
	name string
	size float64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}}

func parseModel(s string) (*model, error) {
	shape, algorithm, ok := strings.Cut(s, "@")
	m := &model{shape: shape, algorithm: manifest.SHA256}
	if ok {
		m.algorithm = manifest.Algorithm(algorithm)
	}
	for _, part := range strings.Split(shape, "+") {
		n, size, _ := strings.Cut(part, "x")
		files, err := strconv.Atoi(n)
		if err != nil || files < 1 {
			return nil, fmt.Errorf("%q is no number of files", n)
		}
		bytes, err := parseSize(size)
		if err != nil {
			return nil, err
		}
		m.groups = append(m.groups, group{files, bytes})
	}
	return m, nil
}

func parseSize(s string) (int64, error) {
	for _, u := range units {
		if n, ok := strings.CutSuffix(s, u.name); ok {
			f, err := strconv.ParseFloat(n, 64)
			if err != nil || !(f >= 0 && f*u.size < 1<<50) {
				return 0, fmt.Errorf("%q is no size", s)
			}
			return int64(f * u.size), nil
		}
	}
	return 0, fmt.Errorf("size %q has no unit", s)
}

func (m *model) files() (n int) {
	for _, g := range m.groups {
		n += g.files
	}
	return n
}

func (m *model) bytes() (n int64) {
	for _, g := range m.groups {
		n += int64(g.files) * g.size
	}
	return n
}

// make writes the files with random content, unless they are there already.
func (m *model) make(root string) error {
	random := rand.NewChaCha8([32]byte{})
	i := 0
	for _, g := range m.groups {
		for range g.files {
			p := filepath.Join(root, fmt.Sprintf("%04d", i/perDir), fmt.Sprintf("%06d", i))
			i++
			if info, err := os.Stat(p); err == nil && info.Size() == g.size {
				continue
			}
			if err := write(p, random, g.size); err != nil {
				return err
			}
		}
	}
	return nil
}

// makeApart is make in a process of its own: others begin with the peak memory of the one that starts them.
func (m *model) makeApart(root string) error {
	_, _, err := execute([]string{os.Args[0], "child", "make", m.shape, root})
	return err
}

func write(p string, content io.Reader, size int64) error {
	if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
		return err
	}
	f, err := os.Create(p)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<16)
	if _, err := io.CopyN(w, content, size); err != nil {
		return err
	}
	return w.Flush()
}
