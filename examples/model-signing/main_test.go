package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"model-signing": func() { os.Exit(run(os.Args[1:])) },
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			// Keys of the tests alone, in files with the names that the scripts use.
			for name, file := range map[string]string{"key.priv": "pkcs8.pem", "key.pub": "public.pem", "encrypted.priv": "encrypted.pem"} {
				data, err := os.ReadFile("../../internal/keys/testdata/" + file)
				if err != nil {
					return err
				}
				if err := os.WriteFile(e.WorkDir+"/"+name, data, 0o600); err != nil {
					return err
				}
			}
			return writeKeys(e.WorkDir + "/other")
		},
		Condition: func(name string) (bool, error) {
			if name != "nosigstore" {
				return false, errors.New("unknown condition " + name)
			}
			return withoutSigstore, nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"exit": exit},
	})
}

// writeKeys writes a new pair of keys.
func writeKeys(name string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	private, err1 := x509.MarshalPKCS8PrivateKey(key)
	public, err2 := x509.MarshalPKIXPublicKey(key.Public())
	return errors.Join(err1, err2,
		os.WriteFile(name+".priv", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600),
		os.WriteFile(name+".pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), 0o600))
}

// exit runs the command line in this process: exit CODE ARGUMENTS…
// With a code that is not 0 it must say exactly one line on standard error, and no stack trace. With --output json,
// standard output must be what the schema describes.
func exit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exit CODE ARGUMENTS…")
	}
	err := ts.Exec("model-signing", args[1:]...)
	code := 0
	var exitError *exec.ExitError
	if errors.As(err, &exitError) {
		code = exitError.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
	if stderr := ts.ReadFile("stderr"); code != 0 && strings.Count(stderr, "\n") != 1 {
		ts.Fatalf("want one line on standard error, got %q", stderr)
	}
	if wantsJSON(args) {
		stdout := ts.ReadFile("stdout")
		if err := checkOutput(stdout); err != nil || strings.Count(stdout, "\n") != 1 || !strings.HasSuffix(stdout, "}\n") {
			ts.Fatalf("standard output is not what the schema has: %v\n%s", err, stdout)
		}
		if isError := strings.HasPrefix(stdout, `{"error":`); isError != (code != 0) && !strings.HasPrefix(stdout, `{"affected":`) {
			ts.Fatalf("exit code %d with %s", code, stdout)
		}
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain é":          "plain é",
		"two\nlines\r":     `two\nlines\r`,
		"\x1b[2J\x07":      `\x1b[2J\a`,
		"\u202egnp.exe":    `\u202egnp.exe`,
		"\xff\u2028\u200b": `\xff\u2028\u200b`,
	} {
		if got := printable(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}
