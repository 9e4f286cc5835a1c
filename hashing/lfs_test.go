package hashing_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

func pointer(data string) string {
	return fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", digest(manifest.SHA256, []byte(data)), len(data))
}

// A clone whose large files were not pulled has the manifest of the one where they were.
func TestFollowLFSPointers(t *testing.T) {
	weights := strings.Repeat("w", 300_000)
	pulled := map[string]string{"w/a.bin": weights, "w/b.bin": "x", "config.json": "{}", "none": "", ".gitattributes": "*.bin filter=lfs"}
	clone := map[string]string{"w/a.bin": pointer(weights), "w/b.bin": pointer("x"), "config.json": "{}", "none": "", ".gitattributes": "*.bin filter=lfs"}
	c := hashing.Config()
	want, err := c.Report(context.Background(), write(t, pulled))
	must(t, err)
	root := write(t, clone)
	for _, c := range []hashing.Configuration{c, c.SetMapped(true), c.SetAllowSymlinks(true)} {
		got, err := c.SetFollowLFSPointers(true).Report(context.Background(), root)
		must(t, err)
		equal(t, "resources", lines(got.Manifest), lines(want.Manifest))
		equal(t, "pointers", got.Unread, []string{"w/a.bin", "w/b.bin"})
	}
	plain, err := c.Report(context.Background(), root)
	must(t, err)
	if plain.Manifest.Root() == want.Manifest.Root() || plain.Unread != nil || len(plain.LFSPointers) != 2 {
		t.Error("pointers are followed that should be hashed")
	}
	same, err := c.SetFollowLFSPointers(true).Report(context.Background(), write(t, pulled))
	must(t, err)
	equal(t, "resources without pointers", lines(same.Manifest), lines(want.Manifest))
	equal(t, "no pointers", same.Unread, nil)
	one, err := c.SetFollowLFSPointers(true).Report(context.Background(), root+"/w/a.bin")
	must(t, err)
	ext := strings.Replace(pointer("x"), "oid", "ext-0-x sha256:"+digest(manifest.SHA256, nil)+"\noid", 1)
	other, err := c.SetFollowLFSPointers(true).Report(context.Background(), write(t, map[string]string{"a": ext}))
	must(t, err)
	equal(t, "with an extension", lines(other.Manifest), wants("a", ext))
	equal(t, "with an extension", other.LFSPointers, []string{"a"})
	equal(t, "a single file", lines(one.Manifest), wants("a.bin", weights))
}

func TestFollowNeedsSHA256(t *testing.T) {
	root := write(t, map[string]string{"a": pointer("x")})
	for _, c := range []hashing.Configuration{
		hashing.Config().UseShardSerialization(hashing.Shards{}),
		hashing.Config().UseFileSerialization(hashing.Files{Algorithm: manifest.BLAKE3}),
	} {
		if _, err := c.SetFollowLFSPointers(true).Hash(root); err == nil {
			t.Error("other digests are made of pointers")
		}
	}
	c := hashing.Config().SetCopy(func(string) (io.WriteCloser, error) { return nil, nil })
	if _, err := c.SetFollowLFSPointers(true).Hash(root); err == nil {
		t.Error("a pointer is copied where a file should be")
	}
	follow := hashing.Config().SetFollowLFSPointers(true)
	if _, err := follow.Slice(0, 1).Part(t.Context(), root); err == nil {
		t.Error("a slice is made of pointers")
	}
	m, err := follow.Hash(root)
	must(t, err)
	if _, err := follow.Recheck(t.Context(), root, m, 1); err == nil {
		t.Error("pointers are rechecked without what they stand for")
	}
	if _, err := hashing.Config().SetFollowLFSPointers(true).Record(t.Context(), "m"); err == nil {
		t.Error("pointers can be recorded")
	}
}
