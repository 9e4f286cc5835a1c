package manifest

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// MaxIgnorePaths is how many ignored paths a manifest may record. A directory is one.
const MaxIgnorePaths = 1 << 16

// Validate reports the first thing that keeps m from being a well-formed manifest, naming the resource: no
// resources, an unknown method or algorithm, a digest of the wrong form or of another algorithm, a name that
// [CheckPath] refuses, a name listed twice, shards that overlap or leave a gap.
//
// The single resource "." (or its shards) is allowed: the Python reference up to 1.1 names so the only file
// of a model that is a file.
func (m *Manifest) Validate() error {
	if len(m.Resources) == 0 {
		return errors.New("resources: there are none")
	}
	if len(m.Resources) > math.MaxInt32 {
		return fmt.Errorf("resources: %d are too many", len(m.Resources))
	}
	if err := m.Serialization.validate(); err != nil {
		return fmt.Errorf("serialization.%w", err)
	}
	for i, r := range m.Resources {
		if err := m.checkResource(r); err != nil {
			return fmt.Errorf("resources[%d]: %w", i, err)
		}
	}
	if m.Serialization.Method == Shards {
		return m.checkShards()
	}
	return m.checkFiles()
}

// SingleFile reports whether m is the manifest of a model that is one file, in the form of the Python
// reference up to 1.1, which names that file ".".
func (m *Manifest) SingleFile() bool {
	return len(m.Resources) > 0 && m.Resources[0].Path == "."
}

func (s Serialization) validate() error {
	if s.Algorithm.Size() == 0 {
		return fmt.Errorf("hash_type: unknown hash algorithm %.200q", s.Algorithm)
	}
	switch {
	case s.Method != Files && s.Method != Shards:
		return fmt.Errorf("method: %.200q is neither %.200q nor %.200q", s.Method, Files, Shards)
	case s.Method == Shards && s.ShardSize <= 0:
		return fmt.Errorf("shard_size: %d is not positive", s.ShardSize)
	case s.Method == Files && s.ShardSize != 0:
		return errors.New("shard_size: does not belong to method files")
	}
	if len(s.IgnorePaths) > MaxIgnorePaths {
		return fmt.Errorf("ignore_paths: %d are more than the limit of %d", len(s.IgnorePaths), MaxIgnorePaths)
	}
	for _, p := range s.IgnorePaths {
		if err := CheckPath(p); err != nil {
			return fmt.Errorf("ignore_paths: %w", err)
		}
	}
	return nil
}

func (m *Manifest) checkResource(r Resource) error {
	if r.Path != "." || !m.SingleFile() {
		if err := CheckPath(r.Path); err != nil {
			return err
		}
	}
	sharded := m.Serialization.Method == Shards
	if sharded && (r.Start < 0 || r.End <= r.Start) || !sharded && (r.Start != 0 || r.End != 0) {
		return fmt.Errorf("%.200q: range %d:%d does not belong to method %s", r.Path, r.Start, r.End, m.Serialization.Method)
	}
	if err := r.Digest.check(); err != nil {
		return fmt.Errorf("%.200q: %w", r.Name(), err)
	}
	if r.Digest.Algorithm != m.Serialization.Algorithm {
		return fmt.Errorf("%.200q: algorithm: %.200q, but hash_type is %.200q", r.Name(), r.Digest.Algorithm, m.Serialization.Algorithm)
	}
	return nil
}

func (m *Manifest) checkFiles() error {
	o := m.byName()
	for i := 1; i < o.len(); i++ {
		if o.at(i).Path == o.at(i-1).Path {
			return fmt.Errorf("resources: %.200q is listed twice", o.at(i).Path)
		}
	}
	return m.checkSingle()
}

// checkShards sees that the shards of each file follow each other from 0, each as long as ShardSize but the
// last. What it can't know is the file's length: that is the comparison's business.
func (m *Manifest) checkShards() error {
	o := sorted(m.Resources, compareRanges)
	size := m.Serialization.ShardSize
	for i := range o.len() {
		r := o.at(i)
		var want int64
		if i > 0 && o.at(i-1).Path == r.Path {
			prev := o.at(i - 1)
			want = prev.End
			switch {
			case r.Start == prev.Start:
				return fmt.Errorf("resources: %.200q and %.200q overlap", prev.Name(), r.Name())
			case prev.End-prev.Start != size:
				return fmt.Errorf("resources: %.200q is not %d bytes long, and not the last of its file", prev.Name(), size)
			}
		}
		switch {
		case r.Start < want:
			return fmt.Errorf("resources: %.200q overlaps with the shard before it", r.Name())
		case r.Start > want:
			return fmt.Errorf("resources: bytes %d to %d of %.200q are not covered", want, r.Start, r.Path)
		case r.End-r.Start > size:
			return fmt.Errorf("resources: %.200q is longer than shard_size %d", r.Name(), size)
		}
	}
	return m.checkSingle()
}

func (m *Manifest) checkSingle() error {
	if m.SingleFile() && slices.ContainsFunc(m.Resources, func(r Resource) bool { return r.Path != "." }) {
		return errors.New(`resources: "." stands for the whole model, but there are others`)
	}
	return nil
}
