package modelsigning_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/modelsigning/modelsigning/signing"
)

// repository is the directory of this package.
var repository string

// TestMain makes what the examples name, in a directory of its own, and runs the tests there.
func TestMain(m *testing.M) {
	var err error
	if repository, err = os.Getwd(); err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "modelsigning-")
	if err == nil {
		err = errors.Join(os.Chdir(dir), prepare())
	}
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	_ = os.Chdir(repository) // a working directory can't be removed on Windows
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func prepare() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	private, err1 := x509.MarshalPKCS8PrivateKey(key)
	public, err2 := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	for name, data := range map[string]string{
		"key.priv":                  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
		"key.pub":                   string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
		"finbert/config.json":       "{}",
		"finbert/model.safetensors": "weights",
		"finbert/.gitattributes":    "* -text",
		"changed/config.json":       "[]",
		"changed/model.safetensors": "weights",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(data), 0o666); err != nil {
			return err
		}
	}
	return signing.Config().
		UseEllipticKeySigner(signing.EllipticKey{Key: key}).
		Sign("finbert", "finbert.sig")
}
