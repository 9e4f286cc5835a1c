package manifest_test

import (
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/manifest"
)

// What stands for the whole model stands alone, wherever the others are in any order.
func TestValidateSingle(t *testing.T) {
	digest := manifest.NewDigest(manifest.SHA256, make([]byte, 32))
	for _, s := range []manifest.Serialization{
		{Method: manifest.Files, Algorithm: manifest.SHA256},
		{Method: manifest.Shards, Algorithm: manifest.SHA256, ShardSize: 5},
	} {
		var end int64
		if s.Method == manifest.Shards {
			end = 5
		}
		alone := manifest.Resource{Path: ".", End: end, Digest: digest}
		if err := (&manifest.Manifest{Name: "m", Serialization: s, Resources: []manifest.Resource{alone}}).Validate(); err != nil {
			t.Errorf("%s: alone: %v", s.Method, err)
		}
		for _, path := range []string{"!x", "x", "-"} {
			other := manifest.Resource{Path: path, End: end, Digest: digest}
			for _, resources := range [][]manifest.Resource{{alone, other}, {other, alone}} {
				if err := (&manifest.Manifest{Name: "m", Serialization: s, Resources: resources}).Validate(); err == nil || !strings.Contains(err.Error(), `"."`) {
					t.Errorf("%s: %v: got %v", s.Method, resources, err)
				}
			}
		}
	}
}
