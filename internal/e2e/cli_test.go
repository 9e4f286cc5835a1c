//go:build unix

package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/internal/e2e"
)

// TestMain lets the test binary be the browser that the command line opens.
func TestMain(m *testing.M) {
	if os.Getenv("E2E_VISIT") != "" {
		if _, err := e2e.Visit(context.Background(), os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	os.RemoveAll(commandDir)
	os.Exit(code)
}

var commandDir string

// command builds the command line.
var command = sync.OnceValues(func() (string, error) {
	var err error
	if commandDir, err = os.MkdirTemp("", "model-signing-"); err != nil {
		return "", err
	}
	name := filepath.Join(commandDir, "model-signing")
	cmd := exec.Command("go", "build", "-o", name, "./examples/model-signing")
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return name, nil
})

// A cli runs the command line in a folder that holds a model and what describes the stack.
type cli struct {
	t     *testing.T
	stack *e2e.Stack
	dir   string
	env   []string
}

func newCLI(t *testing.T, stack *e2e.Stack) *cli {
	t.Helper()
	model, _ := newModel(t)
	dir := filepath.Dir(model)
	write(t, filepath.Join(dir, "trust.json"), stack.TrustConfigJSON)
	write(t, filepath.Join(dir, "root.json"), stack.TrustedRootJSON)
	return &cli{t: t, stack: stack, dir: dir}
}

// run returns what the command prints on standard error, which on failure must be one line.
func (c *cli) run(code int, stdin io.Reader, stderr io.Writer, args ...string) string {
	c.t.Helper()
	name, err := command()
	if err != nil {
		c.t.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(c.t.Context(), name, args...)
	cmd.Dir, cmd.Stdin, cmd.Stderr = c.dir, stdin, io.MultiWriter(&said, stderr)
	cmd.Env = append(os.Environ(), c.env...)
	cmd.WaitDelay = time.Second // for a person who is still typing
	err = cmd.Run()
	if got := cmd.ProcessState.ExitCode(); got != code {
		c.t.Fatalf("%q: exit code %d (%v), want %d\n%s", args, got, err, code, &said)
	}
	if code != 0 && strings.Count(said.String(), "\n") != 1 {
		c.t.Errorf("%q: not one line: %s", args, &said)
	}
	return said.String()
}

func (c *cli) sign(code int, args ...string) string {
	c.t.Helper()
	return c.run(code, nil, io.Discard, append([]string{"sign", "finbert", "--signature", "model.sig", "--trust-config", "trust.json"}, args...)...)
}

func (c *cli) verify(code int, args ...string) string {
	c.t.Helper()
	return c.run(code, nil, io.Discard, append([]string{"verify", "finbert", "--signature", "model.sig", "--trust-config", "root.json"}, args...)...)
}

func (c *cli) person() []string {
	return []string{"--identity", "person@example.com", "--identity-provider", c.stack.Issuer}
}

func TestCommandLine(t *testing.T) {
	stack := e2e.Start(t, e2e.Options{})

	t.Run("token", func(t *testing.T) {
		c := newCLI(t, stack)
		c.sign(0, "--identity-token", stack.Token(e2e.Claims{}))
		c.verify(0, c.person()...)
		c.verify(0, "--identity-regexp", ".*@example.com", "--identity-provider-regexp", "http://.*")
		c.run(0, nil, io.Discard, append([]string{"verify", "sigstore", "finbert", "--signature", "model.sig", "--trust_config", "root.json"}, c.person()...)...)
		for what, args := range map[string][]string{
			"identity":   {"--identity", "other@example.com", "--identity-provider", stack.Issuer},
			"issuer":     {"--identity", "person@example.com", "--identity-provider", "https://example.com"},
			"expression": {"--identity-regexp", "person", "--identity-provider", stack.Issuer},
		} {
			if said := c.verify(1, args...); !strings.Contains(said, "another identity") || !strings.Contains(said, "person@example.com") {
				t.Errorf("wrong %s: %s", what, said)
			}
		}
		write(t, filepath.Join(c.dir, "finbert/config.json"), []byte("[]"))
		if said := c.verify(1, c.person()...); !strings.Contains(said, `"config.json"`) {
			t.Errorf("changed model: %s", said)
		}
	})

	t.Run("ambient", func(t *testing.T) {
		c := newCLI(t, stack)
		c.env = []string{"ACTIONS_ID_TOKEN_REQUEST_URL=" + stack.MintURL, "ACTIONS_ID_TOKEN_REQUEST_TOKEN=" + stack.MintToken}
		c.sign(0, "--use-ambient-credentials")
		c.verify(0, "--identity", e2e.WorkflowIdentity, "--identity-provider", stack.ActionsIssuer)
	})

	t.Run("ambient variable", func(t *testing.T) {
		c := newCLI(t, stack)
		c.env = []string{"SIGSTORE_ID_TOKEN=" + stack.Token(e2e.Claims{})}
		c.sign(0, "--use_ambient_credentials")
		c.verify(0, c.person()...)
	})

	for name, test := range map[string]struct{ flag, pattern string }{
		"code":   {"--oauth-force-oob", `(?s)\t(http\S+)\n.*code: $`},
		"device": {"--oauth-device-flow", `\t(http\S+user_code=\S+)\n`},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCLI(t, stack)
			keyboard, keys, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer keyboard.Close()
			typed, typing := io.Pipe()
			go io.Copy(keys, typed)
			p := &person{t: t, pattern: regexp.MustCompile(test.pattern), keys: typing}
			c.run(0, keyboard, p, "sign", "finbert", "--signature", "model.sig", "--trust-config", "trust.json", test.flag)
			c.verify(0, c.person()...)
		})
	}

	t.Run("browser", func(t *testing.T) {
		c := newCLI(t, stack)
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		script := "#!/bin/sh\nE2E_VISIT=1 exec '" + self + "' \"$1\"\n"
		for _, name := range []string{"xdg-open", "open"} {
			if err := os.Chmod(write(t, filepath.Join(c.dir, "bin", name), []byte(script)), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		c.env = []string{"PATH=" + filepath.Join(c.dir, "bin") + ":" + os.Getenv("PATH")}
		c.sign(0)
		c.verify(0, c.person()...)
	})

	t.Run("refused tokens", func(t *testing.T) {
		c := newCLI(t, stack)
		for what, claims := range map[string]e2e.Claims{"expired": {Lifetime: -time.Hour}, "audience": {Audience: "somebody"}} {
			token := stack.Token(claims)
			if said := c.sign(3, "--identity-token", token); !strings.Contains(said, "Fulcio at "+stack.Fulcio.URL) || strings.Contains(said, token) {
				t.Errorf("%s: %s", what, said)
			}
		}
	})

	t.Run("servers", func(t *testing.T) { // the last, since they don't come back
		c := newCLI(t, stack)
		for service, name := range map[*e2e.Service]string{stack.Rekor: "Rekor"} {
			service.Stop()
			if said := c.sign(3, "--identity-token", stack.Token(e2e.Claims{})); !strings.Contains(said, name+" at "+service.URL) {
				t.Errorf("%s is down: %s", name, said)
			}
		}
		stack.OIDC.Stop()
		if said := c.sign(3); !strings.Contains(said, stack.Issuer) {
			t.Errorf("the OpenID provider is down: %s", said)
		}
	})
}
