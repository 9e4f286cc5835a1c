package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"go/format"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func (c *checker) format(context.Context) error {
	var bad []string
	err := walk(c.root, func(path string) error {
		if filepath.Ext(path) != ".go" {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		want, err := format.Source(src)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if !bytes.Equal(src, want) {
			bad = append(bad, path)
		}
		return nil
	})
	if err == nil && len(bad) > 0 {
		err = fmt.Errorf("run gofmt -w %s", strings.Join(bad, " "))
	}
	return err
}

func (c *checker) tidy(ctx context.Context) error {
	if err := c.run(ctx, filepath.Join(c.root, tools), nil, "go", "mod", "tidy", "-diff"); err != nil {
		return err
	}
	return c.each(ctx, "go", "mod", "tidy", "-diff")
}

func (c *checker) vet(ctx context.Context) error {
	return c.each(ctx, "go", "vet", "./...")
}

func (c *checker) staticcheck(ctx context.Context) error {
	mod := filepath.Join(c.root, tools, "go.mod")
	return c.each(ctx, "go", "tool", "-modfile="+mod, "staticcheck", "./...")
}

// workflows checks GitHub's workflows. What it could ask other programs, it asks nobody: who has them differs.
func (c *checker) workflows(ctx context.Context) error {
	mod := filepath.Join(c.root, tools, "go.mod")
	return c.run(ctx, c.root, nil, "go", "tool", "-modfile="+mod, "actionlint", "-shellcheck=", "-pyflakes=")
}

// build compiles the packages and, by vet, their tests.
func (c *checker) build(ctx context.Context) error {
	for _, v := range []struct {
		env  []string
		tags string
	}{
		{env: []string{"CGO_ENABLED=0"}},
		{env: []string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=arm64"}},
		{env: []string{"CGO_ENABLED=0", "GOOS=darwin", "GOARCH=arm64"}},
		{env: []string{"CGO_ENABLED=0", "GOOS=windows", "GOARCH=amd64"}},
		{env: []string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=386"}, tags: "nosigstore"},
		{tags: "nosigstore"},
		{tags: "purego"},
	} {
		for _, verb := range []string{"build", "vet"} {
			if err := c.run(ctx, c.root, v.env, "go", verb, "-tags="+v.tags, "./..."); err != nil {
				return err
			}
		}
	}
	// On Windows internal/e2e has no code of its own, which stage vet there sees. Here only that is vetted, since to compile its
	// servers for Windows takes minutes.
	env := []string{"CGO_ENABLED=0", "GOOS=windows", "GOARCH=amd64"}
	return c.run(ctx, filepath.Join(c.root, "internal", "e2e"), env, "go", "vet", ".")
}

// generate runs all generators and fails if that changed, added or removed a file.
func (c *checker) generate(ctx context.Context) error {
	before, err := c.sums()
	if err != nil {
		return err
	}
	if err := c.each(ctx, "go", "generate", "./..."); err != nil {
		return err
	}
	after, err := c.sums()
	if err != nil {
		return err
	}
	var changed []string
	for path, sum := range after {
		if before[path] != sum {
			changed = append(changed, path)
		}
		delete(before, path)
	}
	if changed = slices.AppendSeq(changed, maps.Keys(before)); len(changed) > 0 {
		return fmt.Errorf("go generate changed %s", strings.Join(changed, " "))
	}
	return nil
}

func (c *checker) sums() (map[string][32]byte, error) {
	sums := map[string][32]byte{}
	err := walk(c.root, func(path string) error {
		data, err := os.ReadFile(path)
		sums[path] = sha256.Sum256(data)
		return err
	})
	return sums, err
}
