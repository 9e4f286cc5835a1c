//go:build cgo

// Package softhsm makes tokens for tests, with SoftHSM 2 and its softhsm2-util.
//
// MODEL_SIGNING_SOFTHSM is the path of libsofthsm2.so. If it is not set, the tests that need tokens are skipped. If
// it is set, as internal/check does, what is missing is a failure.
package softhsm

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// PIN and SOPIN are those of every token.
const (
	PIN   = "1234"
	SOPIN = "87654321"
)

// Module returns the path of SoftHSM's module. Tokens are in a directory of the test's own from here on.
func Module(t testing.TB) string {
	t.Helper()
	module := os.Getenv("MODEL_SIGNING_SOFTHSM")
	if module == "" {
		t.Skip("set MODEL_SIGNING_SOFTHSM to the path of libsofthsm2.so to test with SoftHSM")
	}
	dir := t.TempDir()
	tokens, conf := filepath.Join(dir, "tokens"), filepath.Join(dir, "softhsm2.conf")
	if err := os.Mkdir(tokens, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(conf, []byte("directories.tokendir = "+tokens+"\nlog.level = ERROR\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", conf)
	return module
}

// TokenDir returns where the tokens are that the test has made.
func TokenDir() string { return filepath.Join(filepath.Dir(os.Getenv("SOFTHSM2_CONF")), "tokens") }

// A Token is a token that was made for a test.
type Token struct {
	Module, Label, Slot, Serial string
}

var assigned = regexp.MustCompile(`reassigned to slot (\d+)`)

// NewToken makes a token.
func NewToken(t testing.TB, module, label string) Token {
	t.Helper()
	out := util(t, module, "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", SOPIN)
	m := assigned.FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("softhsm2-util: %s", out)
	}
	k := Token{Module: module, Label: label, Slot: m[1]}
	shown := util(t, module, "--show-slots")
	serial := regexp.MustCompile(`Slot ` + k.Slot + `\n(?:.*\n)*?\s+Serial number:\s+(\w+)`).FindStringSubmatch(shown)
	if serial == nil {
		t.Fatalf("softhsm2-util: %s", shown)
	}
	k.Serial = serial[1]
	return k
}

// Import puts a private key on the token, and its public key unless there is the option --no-public-key.
func (k Token) Import(t testing.TB, key crypto.Signer, label, id string, options ...string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file := temp(t, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	args := []string{"--import", file, "--token", k.Label, "--pin", PIN, "--label", label, "--id", hex.EncodeToString([]byte(id)), "--force"}
	util(t, k.Module, append(args, options...)...)
}

func util(t testing.TB, module string, args ...string) string {
	t.Helper()
	return run(t, "softhsm2-util", append([]string{"--module", module}, args...)...)
}

func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func temp(t testing.TB, data []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), rand.Text())
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
