package main

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/internal/certtest"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestCertificateScripts(t *testing.T) {
	life := certtest.Valid(-100*time.Hour, 100*time.Hour)
	root := certtest.Root(t, life)
	issuing := certtest.Authority(t, root, "issuing", life)
	signer := certtest.Leaf(t, issuing, life)
	expired := certtest.Leaf(t, issuing, certtest.Valid(-2*time.Hour, -time.Hour))
	tsa := certtest.NewTSA(t)
	url := tsa.Serve(t)
	revoked := issuing.Revoke(t, x509.RevocationList{},
		x509.RevocationListEntry{SerialNumber: signer.SerialNumber, RevocationTime: time.Now().Add(-time.Minute), ReasonCode: 1})
	testscript.Run(t, testscript.Params{
		Dir: "testdata/certificate",
		Setup: func(e *testscript.Env) error {
			for name, file := range map[string]string{
				"root.pem":    certtest.Files(t, root),
				"other.pem":   certtest.Files(t, certtest.Root(t)),
				"issuing.pem": certtest.Files(t, issuing),
				"signer.pem":  certtest.Files(t, signer),
				"signer.key":  signer.KeyFile(t),
				"expired.pem": certtest.Files(t, expired),
				"expired.key": expired.KeyFile(t),
				"tsa.pem":     certtest.Files(t, tsa.Leaf, tsa.Root),
				"issuing.crl": certtest.RevocationFile(t, revoked),
			} {
				data, err := os.ReadFile(file)
				if err != nil {
					return err
				}
				if err := os.WriteFile(filepath.Join(e.WorkDir, name), data, 0o600); err != nil {
					return err
				}
			}
			e.Setenv("TSA", url)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"exit": exit},
	})
}
