// Command service is one server of a private Sigstore; its first argument says which.
//
// The servers are the real ones, put together from their own packages. Their own main functions are not used
// because they open metrics ports on every interface, some of them on a fixed port, which would keep two
// stacks from running side by side. Rekor version 1 is a command of its own: it and the timestamp authority
// register the same command line flags when they are imported.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"

	"github.com/modelsigning/modelsigning/internal/e2e/child"
)

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(name string, args []string) error {
	if name == "exec" {
		return command(args)
	}
	start, ok := map[string]func(*flag.FlagSet, []string, net.Listener) error{
		"oidc":     oidcProvider,
		"trillian": trillianServer,
		"ctlog":    ctLog,
		"fulcio":   fulcio,
		"tsa":      timestampAuthority,
	}[name]
	if !ok {
		return fmt.Errorf("no service is named %q", name)
	}
	child.ExitWithParent(func() {})
	ln, err := child.Listener()
	if err != nil {
		return err
	}
	return start(flag.NewFlagSet(name, flag.ExitOnError), args, ln)
}

// command runs another server, in the same process group, for as long as we run.
func command(args []string) error {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	child.ExitWithParent(func() { cmd.Process.Kill() })
	return cmd.Wait()
}
