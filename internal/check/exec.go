package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// command prints a command line and returns it ready to run in dir, with env added to the environment.
func (c *checker) command(ctx context.Context, dir string, env []string, args ...string) *exec.Cmd {
	shown := slices.Concat(env, args)
	if rel, err := filepath.Rel(c.root, dir); err == nil && rel != "." {
		shown = append([]string{"cd", rel, "&&"}, shown...)
	}
	fmt.Println("$", strings.ReplaceAll(strings.Join(shown, " "), c.root+string(filepath.Separator), ""))
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = slices.Concat(os.Environ(), c.env, env)
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// run runs a command in dir and shows what it prints.
func (c *checker) run(ctx context.Context, dir string, env []string, args ...string) error {
	cmd := c.command(ctx, dir, env, args...)
	cmd.Stdout = os.Stdout
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return nil
}

// output returns what a command prints, without showing it.
func (c *checker) output(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(args, " "), err)
	}
	return string(out), nil
}

// each runs a command in every module.
func (c *checker) each(ctx context.Context, args ...string) error {
	for _, dir := range c.modules {
		if err := c.run(ctx, dir, nil, args...); err != nil {
			return err
		}
	}
	return nil
}

// walk calls f for every file of the repository that is neither hidden nor below a hidden directory.
func walk(root string, f func(path string) error) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.Type().IsRegular():
			return f(path)
		}
		return nil
	})
}

// tools is the module that pins programs which stages use. It has no packages.
var tools = filepath.Join("internal", "tools")

// findModules returns the directories of all modules that have packages, the root first. Test data has none.
func findModules(root string) ([]string, error) {
	var dirs []string
	err := walk(root, func(path string) error {
		dir := filepath.Dir(path)
		if filepath.Base(path) == "go.mod" && dir != filepath.Join(root, tools) &&
			!slices.Contains(strings.Split(filepath.ToSlash(dir), "/"), "testdata") {
			dirs = append(dirs, dir)
		}
		return nil
	})
	slices.Sort(dirs)
	return dirs, err
}
