// The command check installs what the tests need and runs everything that must pass before a change lands:
//
//	go run ./internal/check
//
// It works in stages, says what each one does and takes, and stops at the first that fails. Besides Go it needs
// a C compiler (for the race detector), Python 3.10 or newer with its venv module, SoftHSM and Slurm, and on Linux QEMU,
// for the tests of arm64. On Debian, Ubuntu and macOS it installs what is missing, but for Slurm, which is for Linux; elsewhere it
// says what to install. Python packages go into .tools in the repository, which git ignores.
//
// What it can't install is a failure and never a skipped test, unless it is given up by name. Tests over data that is
// not in the repository, which MODEL_SIGNING_VECTORS and MODEL_SIGNING_SCHEMAS name, or with the frameworks of
// MODEL_SIGNING_TRAINING, are skipped without those, and the skips are printed:
//
//	go run ./internal/check -without python,softhsm,slurm,qemu,386
//	go run ./internal/check -short     installs nothing, and only runs go test ./...
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	short := flag.Bool("short", false, "install nothing, and only run go test ./...")
	fuzztime := flag.Duration("fuzztime", 10*time.Second, "run the fuzz targets of bundles, statements and names for this `duration`, and others for a sixth of it")
	without := flag.String("without", "", "a `list` of what not to install: "+strings.Join(optional, ", ")+"; tests that need it are skipped")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	c := &checker{fuzztime: *fuzztime, without: strings.FieldsFunc(*without, func(r rune) bool { return r == ',' })}
	if err := c.check(ctx, *short, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "check:", err)
		os.Exit(1)
	}
}

// optional is what may be given up by name. The last is that the system runs 32-bit programs.
var optional = []string{"python", "softhsm", "slurm", "qemu", "386"}

// A checker is what the stages share.
type checker struct {
	root     string   // of the repository
	modules  []string // directories of the modules with packages, the root first
	env      []string // for tests: where Python and SoftHSM are
	fuzztime time.Duration
	without  []string
	emulator string // of arm64, or empty
	counts   struct{ passed, failed, skipped int }
}

type stage struct {
	name string
	what string
	run  func(context.Context) error
}

func (c *checker) stages() []stage {
	return []stage{
		{"format", "every Go file is as gofmt writes it", c.format},
		{"modules", "go.mod and go.sum are tidy", c.tidy},
		{"vet", "go vet", c.vet},
		{"staticcheck", "staticcheck, at the version of internal/tools", c.staticcheck},
		{"workflows", "actionlint, at the version of internal/tools", c.workflows},
		{"build", "without cgo, for other systems, and with each build tag", c.build},
		{"generate", "generated files are what their generators write", c.generate},
		{"compiler", "a C compiler, for the race detector", c.compiler},
		{"python", "the Python reference, in a virtual environment", c.python},
		{"softhsm", "SoftHSM, a PKCS #11 token in software", c.softhsm},
		{"slurm", "Slurm, which runs jobs on many machines", c.slurm},
		{"qemu", "an emulator of arm64", c.qemu},
		{"test", "all tests of all modules, with the race detector", c.test},
		{"test-plain", "all tests without cgo, Sigstore and assembly, on amd64 as a 32-bit program", c.testPlain},
		{"test-arm64", "hashing as on arm64, in an emulator", c.testARM64},
		{"test-speed", "what the race detector hides: memory and allocations, with assembly", c.testSpeed},
		{"fuzz", fmt.Sprintf("fuzz targets, for %v or a sixth of that", c.fuzztime), c.fuzz},
	}
}

func (c *checker) check(ctx context.Context, short bool, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q", args[0])
	}
	for _, w := range c.without {
		if !slices.Contains(optional, w) {
			return fmt.Errorf("-without %s: it can be %s", w, strings.Join(optional, ", "))
		}
	}
	if err := c.locate(ctx); err != nil {
		return err
	}
	stages := c.stages()
	if short {
		stages = []stage{{"test", "all tests of the main module; what needs Python or SoftHSM is skipped", c.testShort}}
	}
	return c.runStages(ctx, stages)
}

// locate finds the repository from wherever in it the command was called.
func (c *checker) locate(ctx context.Context) error {
	mod, err := c.output(ctx, ".", "go", "env", "GOMOD")
	if err != nil {
		return err
	}
	c.root = filepath.Dir(strings.TrimSpace(mod))
	if _, err := os.Stat(filepath.Join(c.root, "internal", "check")); err != nil {
		return fmt.Errorf("not called inside the repository: %w", err)
	}
	c.modules, err = findModules(c.root)
	return err
}

func (c *checker) runStages(ctx context.Context, stages []stage) (err error) {
	var times []string
	begin := time.Now()
	for _, s := range stages {
		if slices.Contains(c.without, s.name) {
			times = append(times, fmt.Sprintf("%-12s left out by -without", s.name))
			continue
		}
		fmt.Printf("\n== %s: %s\n", s.name, s.what)
		start := time.Now()
		if err = s.run(ctx); err != nil {
			err = fmt.Errorf("stage %s failed after %v: %w", s.name, time.Since(start).Round(time.Second), err)
			break
		}
		times = append(times, fmt.Sprintf("%-12s %6.1f s", s.name, time.Since(start).Seconds()))
	}
	fmt.Printf("\n%s\n%-12s %6.1f s\n", strings.Join(times, "\n"), "all", time.Since(begin).Seconds())
	fmt.Printf("%d passed, %d failed, %d skipped\n", c.counts.passed, c.counts.failed, c.counts.skipped)
	return err
}
