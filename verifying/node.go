package verifying

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// A node is a file or a directory of a Model. It is its own [fs.FileInfo].
type node struct {
	base  string
	dir   bool
	below []fs.DirEntry // of a directory, sorted

	source string              // the path in the model's tree
	size   int64               // as it was listed
	units  []manifest.Resource // that cover a file, from its beginning
}

func (n *node) Name() string       { return n.base }
func (n *node) Size() int64        { return n.size }
func (n *node) ModTime() time.Time { return time.Time{} }
func (n *node) IsDir() bool        { return n.dir }
func (n *node) Sys() any           { return nil }
func (n *node) Mode() fs.FileMode {
	if n.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

// newNodes returns what is in a model by path, the signed files and the directories above them.
func (c Configuration) newNodes(r *Result, tree *hashing.Tree) (map[string]*node, error) {
	checked, _, err := c.split(r.Manifest)
	if err != nil {
		return nil, err
	}
	m := within(r.Manifest, checked)
	units := m.Resources // a copy
	slices.SortFunc(units, func(a, b manifest.Resource) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(a.Start, b.Start))
	})
	sizes := map[string]int64{}
	single := ""
	for p, size := range tree.Files() {
		sizes[p], single = size, p
	}
	nodes := map[string]*node{".": {base: ".", dir: true}}
	for len(units) > 0 {
		n := 1
		for n < len(units) && units[n].Path == units[0].Path {
			n++
		}
		p := units[0].Path
		if m.SingleFile() {
			p = single
		}
		if err := add(nodes, p, &node{base: path.Base(p), source: p, size: sizes[p], units: units[:n:n]}); err != nil {
			return nil, err
		}
		units = units[n:]
	}
	for _, n := range nodes {
		slices.SortFunc(n.below, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	}
	return nodes, nil
}

// add adds a node, and the directories that it is in.
func add(nodes map[string]*node, p string, n *node) error {
	if nodes[p] != nil {
		// Both were listed, which only a file system that makes things up can do.
		return fmt.Errorf("%.200q is both a file and a directory", p)
	}
	nodes[p] = n
	above := path.Dir(p)
	if nodes[above] == nil {
		if err := add(nodes, above, &node{base: path.Base(above), dir: true}); err != nil {
			return err
		}
	}
	if !nodes[above].dir {
		return fmt.Errorf("%.200q is both a file and a directory", above)
	}
	nodes[above].below = append(nodes[above].below, fs.FileInfoToDirEntry(n))
	return nil
}

func (m *Model) find(op, name string) (*node, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	n := m.nodes[name]
	if n == nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return n, nil
}

// Open opens a signed file or a directory. Of what was not signed it says that it does not exist.
func (m *Model) Open(name string) (fs.File, error) {
	n, err := m.find("open", name)
	if err != nil {
		return nil, err
	}
	if n.dir {
		return &modelDir{node: n, name: name}, nil
	}
	f := &modelFile{model: m, node: n, name: name}
	if err := f.reopen(); err != nil {
		return nil, err
	}
	return f, nil
}

// Stat describes a signed file or a directory. It reads nothing: sizes are those of when the model was opened, and
// verified with the content.
func (m *Model) Stat(name string) (fs.FileInfo, error) {
	n, err := m.find("stat", name)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// ReadDir lists a directory by name. It reads nothing.
func (m *Model) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := m.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if !n.dir {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("is not a directory")}
	}
	return slices.Clone(n.below), nil
}

// ReadFile returns the content of a signed file after all of it was verified.
func (m *Model) ReadFile(name string) ([]byte, error) {
	f, err := m.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	file, ok := f.(*modelFile)
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errIsDir}
	}
	return file.readAll()
}

var errIsDir = errors.New("is a directory")

// A modelDir is an open directory of a Model.
type modelDir struct {
	*node
	name string
	at   int
}

func (d *modelDir) Stat() (fs.FileInfo, error) { return d.node, nil }
func (d *modelDir) Close() error               { return nil }
func (d *modelDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.name, Err: errIsDir}
}
