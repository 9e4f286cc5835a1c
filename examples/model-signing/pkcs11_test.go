//go:build cgo

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/modelsigning/modelsigning/internal/certtest"
	"github.com/modelsigning/modelsigning/internal/pkcs11/softhsm"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestPKCS11Scripts(t *testing.T) {
	module := softhsm.Module(t)
	token := softhsm.NewToken(t, module, "release")
	leaf := certtest.Leaf(t, nil)
	token.Import(t, leaf.Key, "finbert", "f")
	token.ImportCertificate(t, leaf.Certificate, "finbert", "f")
	for _, id := range []string{"1", "2"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		token.Import(t, key, "twin", id)
	}
	token.Import(t, leaf.Key, "bare", "bare", "--no-public-key")
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	token.Import(t, rsaKey, "rsa", "rsa")
	public, err := x509.MarshalPKIXPublicKey(leaf.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/pkcs11",
		Setup: func(e *testscript.Env) error {
			for name, data := range map[string][]byte{
				"key.pub":  pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}),
				"cert.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw}),
				"pin":      []byte(softhsm.PIN + "\n"),
			} {
				if err := os.WriteFile(filepath.Join(e.WorkDir, name), data, 0o600); err != nil {
					return err
				}
			}
			// SoftHSM writes to a token when it logs in, and does not find one that another process is writing to.
			tokens, conf := filepath.Join(e.WorkDir, "tokens"), filepath.Join(e.WorkDir, "softhsm2.conf")
			if err := os.CopyFS(tokens, os.DirFS(softhsm.TokenDir())); err != nil {
				return err
			}
			if err := os.WriteFile(conf, []byte("directories.tokendir = "+tokens+"\nlog.level = ERROR\n"), 0o600); err != nil {
				return err
			}
			e.Setenv("SOFTHSM2_CONF", conf)
			e.Setenv("MODULE", module)
			e.Setenv("MODULES", filepath.Dir(module))
			e.Setenv("SLOT", token.Slot)
			e.Setenv("PIN", filepath.Join(e.WorkDir, "pin"))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"exit": exit},
	})
}
