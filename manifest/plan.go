package manifest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// ErrPlan says that something is not a plan: it is malformed, cut short or edited.
var ErrPlan = errors.New("malformed plan")

// MaxSlices is how many slices a model may be cut into.
const MaxSlices = 100_000

// An Entry is a file of a model as it was when the model was listed.
type Entry struct {
	// Path is relative to the model's root and separated by slashes. See [CheckPath].
	Path string
	// Size is in bytes.
	Size int64
	// ModTime is the modification time in nanoseconds since 1970, UTC. It tells that a file is still the one that
	// was listed, and never gets into a manifest.
	ModTime int64
}

// A Plan is the inventory of a model, and into how many slices it is cut, so that several machines can hash a slice
// each: see [Plan.Slice], [Partial] and [Merge].
//
// Whoever writes a plan decides which files are hashed. It is plain data like a [Manifest].
type Plan struct {
	// Name is the model's name, as in [Manifest].
	Name          string
	Serialization Serialization
	// Slices is how many slices there are, from 1 to [MaxSlices]. It may be more than there is work for.
	Slices int
	// Files are all files of the model, sorted by path.
	Files []Entry
}

// Inventory returns the digest of everything in the plan: the SHA-256 that its JSON ends with. Plans are equal if
// and only if their inventories are.
func (p *Plan) Inventory() Digest {
	s := &sink{w: io.Discard, h: sha256.New()}
	p.encode(s)
	return NewDigest(SHA256, s.sum())
}

// Validate reports the first thing that keeps p from being a plan, naming the file. The error wraps [ErrPlan].
func (p *Plan) Validate() error {
	err := checkRun(p.Name, p.Slices, p.Serialization)
	if err == nil {
		err = p.checkFiles()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPlan, err)
	}
	return nil
}

// checkRun checks what plans and parts have in common.
func checkRun(name string, slices int, s Serialization) error {
	if name == "" || !utf8.ValidString(name) {
		return fmt.Errorf("name: %.200q is empty or not valid UTF-8", name)
	}
	if slices < 1 || slices > MaxSlices {
		return fmt.Errorf("slices: %d is not between 1 and %d", slices, MaxSlices)
	}
	if err := s.validate(); err != nil {
		return fmt.Errorf("serialization.%w", err)
	}
	return nil
}

func (p *Plan) checkFiles() error {
	var bytes, resources int64
	for i, f := range p.Files {
		if err := f.check(); err != nil {
			return fmt.Errorf("files[%d]: %w", i, err)
		}
		if i > 0 && strings.Compare(p.Files[i-1].Path, f.Path) >= 0 {
			return fmt.Errorf("files[%d]: %.200q does not come after %.200q", i, f.Path, p.Files[i-1].Path)
		}
		more := p.Serialization.count(f.Size)
		if more > math.MaxInt32-resources || f.Size > math.MaxInt64-bytes {
			return fmt.Errorf("files[%d]: %.200q makes the model too large", i, f.Path)
		}
		resources += more
		bytes += f.Size
	}
	if resources == 0 {
		return errors.New("files: there is nothing to hash")
	}
	return nil
}

func (f Entry) check() error {
	if err := CheckPath(f.Path); err != nil {
		return err
	}
	if f.Size < 0 {
		return fmt.Errorf("%.200q: size %d is negative", f.Path, f.Size)
	}
	return nil
}

// count returns how many resources a file of the given size has.
func (s Serialization) count(size int64) int64 {
	if s.Method == Files {
		return 1
	}
	n := size / s.ShardSize
	if size%s.ShardSize != 0 {
		n++
	}
	return n
}
