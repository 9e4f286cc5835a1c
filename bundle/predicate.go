package bundle

import (
	"github.com/modelsigning/modelsigning/internal/strictjson"
	"github.com/modelsigning/modelsigning/manifest"
)

func (s *statement) readPredicate(d *strictjson.Decoder) error {
	resources := false
	err := d.Object(func(name string) error {
		switch name {
		case "serialization":
			return s.readSerialization(d)
		case "resources":
			resources = true
			return d.Array(func(int) error { return s.readResource(d) })
		}
		return d.Unknown()
	})
	switch {
	case err != nil:
		return err
	case s.serialization == nil:
		return d.Errorf("serialization is missing")
	case !resources:
		return d.Errorf("resources is missing")
	}
	return nil
}

func (s *statement) readSerialization(d *strictjson.Decoder) error {
	ser := new(manifest.Serialization)
	var links, size bool
	err := d.Object(func(name string) (err error) {
		var text string
		switch name {
		case "method":
			text, err = token(d)
			ser.Method = manifest.Method(text)
		case "hash_type":
			text, err = token(d)
			ser.Algorithm = canonical(manifest.Algorithm(text))
		case "shard_size":
			size = true
			ser.ShardSize, err = d.Int()
		case "allow_symlinks":
			links = true
			ser.AllowSymlinks, err = d.Bool()
		case "ignore_paths":
			ser.IgnorePaths = []string{}
			err = d.Array(func(int) error {
				if len(ser.IgnorePaths) == manifest.MaxIgnorePaths {
					return d.Errorf("is one more than the limit of %d", manifest.MaxIgnorePaths)
				}
				p, err := d.String()
				ser.IgnorePaths = append(ser.IgnorePaths, p)
				return err
			})
		default:
			err = d.Unknown()
		}
		return err
	})
	s.serialization = ser
	switch {
	case err != nil:
		return err
	case ser.Method == "":
		return d.Errorf("method is missing")
	case ser.Algorithm == "":
		return d.Errorf("hash_type is missing")
	case !links:
		return d.Errorf("allow_symlinks is missing")
	case size && ser.ShardSize <= 0:
		return d.Errorf("shard_size: %d is not positive", ser.ShardSize)
	}
	return nil
}

func (s *statement) readResource(d *strictjson.Decoder) error {
	var r manifest.Resource
	err := d.Object(func(name string) (err error) {
		switch name {
		case "name":
			r.Path, err = d.String()
		case "digest":
			r.Digest.Hex, err = d.String()
		case "algorithm":
			r.Digest.Algorithm, err = s.readAlgorithm(d)
		default:
			err = d.Skip() // in-toto's resource descriptors are open
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case r.Path == "":
		return d.Errorf("name is missing")
	case r.Digest.Hex == "":
		return d.Errorf("digest is missing")
	case r.Digest.Algorithm == "":
		return d.Errorf("algorithm is missing")
	}
	s.resources = append(s.resources, r)
	return nil
}

// readAlgorithm makes one string of the same name in a million resources.
func (s *statement) readAlgorithm(d *strictjson.Decoder) (manifest.Algorithm, error) {
	text, err := d.Bytes()
	if n := len(s.resources); n > 0 && string(text) == string(s.resources[n-1].Digest.Algorithm) {
		return s.resources[n-1].Digest.Algorithm, err
	}
	return manifest.Algorithm(text), err
}
