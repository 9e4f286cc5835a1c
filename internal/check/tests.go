package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

func (c *checker) testShort(ctx context.Context) error {
	return c.goTest(ctx, c.root, nil)
}

func (c *checker) test(ctx context.Context) error {
	for _, dir := range c.modules {
		if err := c.goTest(ctx, dir, []string{"CGO_ENABLED=1"}, "-race", "-timeout=15m"); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) testPlain(ctx context.Context) error {
	// Slurm, the reference, the hub under load and the command that the benchmark builds are not about how this program was
	// built, and were there a stage before.
	env := []string{"CGO_ENABLED=0", slurmVariable + "=", pythonVariable + "="}
	if runtime.GOOS == "linux" && runtime.GOARCH == "amd64" && !slices.Contains(c.without, "386") {
		env = append(env, "GOARCH=386")
	}
	return c.goTest(ctx, c.root, env, "-tags=nosigstore,purego", "-skip=^Test(Load|MeasureCommand)$")
}

// testARM64 runs the tests of what is made for arm64, and some of those that use it. In others the emulator does not tell where
// a program faulted, or can't run a test's own program again.
func (c *checker) testARM64(ctx context.Context) error {
	if c.emulator == "" {
		fmt.Println("no emulator")
		return nil
	}
	const some = "-run=^Test(Algorithms|EveryMode|ShardsOfLargeFile|Glance|GlanceChangesNothing|HashFS|RecordIsHash|Snapshot)$"
	for _, t := range []struct{ dir, run string }{
		{"internal/sha256lanes", "-run=."}, {"internal/blake3lanes", "-run=."}, {"hashing", some},
	} {
		dir := filepath.Join(c.root, filepath.FromSlash(t.dir))
		if err := c.goTest(ctx, dir, []string{"CGO_ENABLED=0", "GOARCH=arm64"}, "-exec="+c.emulator, t.run); err != nil {
			return err
		}
	}
	return nil
}

// testSpeed runs the tests of hashing, and those of the hub that measure, once more as users run them. Under the race
// detector they do not measure.
func (c *checker) testSpeed(ctx context.Context) error {
	for _, t := range []struct{ dir, run string }{
		{"hashing", "-run=."}, {"examples/hub", "-run=^Test(Load|Memory|MemoryOfUploads)$"},
	} {
		dir := filepath.Join(c.root, filepath.FromSlash(t.dir))
		if err := c.goTest(ctx, dir, []string{"CHURN_ROUNDS=1000"}, t.run); err != nil {
			return err
		}
	}
	return nil
}

// goTest runs go test on all packages of a module and shows what it would show, and the reason of each skip.
func (c *checker) goTest(ctx context.Context, dir string, env []string, flags ...string) error {
	args := append(append([]string{"go", "test", "-json"}, flags...), "./...")
	cmd := c.command(ctx, dir, env, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	readErr := c.show(out)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("go test: %w", err)
	}
	return readErr
}

// An event is a line that go test -json prints, as go doc test2json describes it.
type event struct{ Action, Package, Test, Output string }

type testName struct{ pkg, test string }

func (c *checker) show(r io.Reader) error {
	said := map[testName][]string{}
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		var e event
		if json.Unmarshal(line, &e) != nil {
			fmt.Printf("%s", line) // from the go command itself
			continue
		}
		c.event(e, said)
	}
}

func (c *checker) event(e event, said map[testName][]string) {
	name := testName{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Print(e.Output)
	case "output":
		if e.Test == "" && strings.HasPrefix(e.Output, "ok ") {
			fmt.Print(e.Output)
		}
		said[name] = append(said[name], e.Output)
		return
	case "pass":
		c.count(e, &c.counts.passed)
	case "fail":
		c.count(e, &c.counts.failed)
		fmt.Print(strings.Join(said[name], ""))
	case "skip":
		c.count(e, &c.counts.skipped)
		if e.Test != "" {
			fmt.Printf("skip\t%s %s: %s\n", e.Package, e.Test, reason(said[name]))
		}
	default:
		return
	}
	delete(said, name)
}

// count counts tests, not packages.
func (c *checker) count(e event, n *int) {
	if e.Test != "" {
		*n++
	}
}

// reason returns what a skipped test said, without the lines that go test adds.
func reason(said []string) string {
	var words []string
	for _, line := range said {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			words = append(words, line)
		}
	}
	return strings.Join(words, " ")
}
