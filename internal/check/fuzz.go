package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// A target is one fuzz test.
type target struct{ module, pkg, name string }

// share returns how long to run the target: all of the time for what reads bundles, statements and the names of resources.
func (t target) share(all time.Duration) time.Duration {
	switch path.Base(t.pkg) + "." + t.name {
	case "bundle.FuzzParse", "bundle.FuzzParseStatement", "manifest.FuzzParseName":
		return all
	}
	return all / 6
}

// fuzz runs all targets, as many at a time as there are processors, each with one worker.
func (c *checker) fuzz(ctx context.Context) error {
	var targets []target
	for _, dir := range c.modules {
		found, err := c.targets(ctx, dir)
		if err != nil {
			return err
		}
		targets = append(targets, found...)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	slots := make(chan struct{}, runtime.NumCPU())
	for _, t := range targets {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if ctx.Err() != nil {
				return
			}
			if err := c.fuzzOne(ctx, t); err != nil {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
				stop()
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (c *checker) fuzzOne(ctx context.Context, t target) error {
	args := []string{"go", "test", "-run=^$", "-fuzz=^" + t.name + "$", "-fuzztime=" + t.share(c.fuzztime).String(),
		"-fuzzminimizetime=2s", "-parallel=1", t.pkg}
	var out []byte
	var err error
	for range 2 {
		cmd := c.command(ctx, t.module, nil, args...)
		cmd.Stderr = nil
		if out, err = cmd.CombinedOutput(); err == nil {
			fmt.Printf("%s\n%s\n", t.name, lastLines(out, 3))
			return nil
		}
		// The go command sometimes reports the end of fuzztime as a failure. A real one leaves an input.
		if !bytes.Contains(out, []byte("context deadline exceeded")) || bytes.Contains(out, []byte("Failing input")) {
			break
		}
	}
	if ctx.Err() == nil {
		fmt.Printf("%s\n", out)
	}
	return fmt.Errorf("%s in %s: %w", t.name, t.pkg, err)
}

func lastLines(out []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

var fuzzFunc = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)

func (c *checker) targets(ctx context.Context, dir string) ([]target, error) {
	out, err := c.output(ctx, dir, "go", "list", "-json=ImportPath,Dir,TestGoFiles,XTestGoFiles", "./...")
	if err != nil {
		return nil, err
	}
	var found []target
	for dec := json.NewDecoder(strings.NewReader(out)); ; {
		var p struct {
			ImportPath, Dir           string
			TestGoFiles, XTestGoFiles []string
		}
		if err := dec.Decode(&p); err == io.EOF {
			return found, nil
		} else if err != nil {
			return nil, err
		}
		for _, f := range slices.Concat(p.TestGoFiles, p.XTestGoFiles) {
			src, err := os.ReadFile(filepath.Join(p.Dir, f))
			if err != nil {
				return nil, err
			}
			for _, m := range fuzzFunc.FindAllSubmatch(src, -1) {
				found = append(found, target{dir, p.ImportPath, string(m[1])})
			}
		}
	}
}
