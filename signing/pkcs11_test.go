package signing_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/signing"
)

func ExampleConfiguration_UsePKCS11Signer() {
	err := signing.Config().
		UsePKCS11Signer(signing.PKCS11{
			URI: "pkcs11:token=release;object=finbert?module-name=softhsm2&pin-source=/etc/release.pin",
		}).
		Sign("finbert", "finbert.sig")
	if errors.Is(err, signing.ErrPIN) {
		fmt.Println("do not try that PIN again:", err)
	}
}

// These tests need no cgo. Those with tokens are in pkcs11_token_test.go.

func TestPKCS11OptionsAreChecked(t *testing.T) {
	dir := filepath.ToSlash(t.TempDir())
	write(t, dir+"/module.so", "")
	at := "?module-path=" + dir + "/module.so"
	for _, test := range []struct {
		o    signing.PKCS11
		want string
	}{
		{signing.PKCS11{}, `PKCS #11 URI malformed at column 1: does not begin with "pkcs11:"`},
		{signing.PKCS11{URI: "pkcs11:token=a b" + at}, "PKCS #11 URI malformed at column 15: "},
		{signing.PKCS11{URI: "pkcs11:token=t" + at}, "names no key"},
		{signing.PKCS11{URI: "pkcs11:object=k;type=cert" + at}, "an object of type cert"},
		{signing.PKCS11{URI: "pkcs11:object=k" + at + "&pin-value=1", PIN: "2"}, "a PIN is given both"},
		{signing.PKCS11{URI: "pkcs11:object=k" + at + "&pin-source=" + dir + "/pin"}, "PIN file: open "},
	} {
		checkError(t, test.o.URI, signing.Config().UsePKCS11Signer(test.o).Err(), test.want)
	}
}

func checkError(t *testing.T, name string, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: got error %v, want %q", name, err, want)
	}
}

func TestPKCS11NeverPrintsPIN(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	for _, o := range []signing.PKCS11{
		{URI: "pkcs11:object=k?pin-value=s%65cret&x-secre=1&module-path=/absent"},
		{URI: "pkcs11:object=k?module-path=/absent", PIN: "secret"},
		{URI: "pkcs11:object=k?pin-value=secret#"},
	} {
		c := signing.Config().UsePKCS11Signer(o).SetLogger(logger)
		_, err := c.SignManifest(context.Background(), &manifest.Manifest{})
		logger.Info("options", "o", o)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			for _, v := range []any{o, &o, []signing.PKCS11{o}, c, err} {
				if text := fmt.Sprintf(verb, v); strings.Contains(text, "secret") || strings.Contains(text, "736563726574") {
					t.Errorf("the PIN is in %s", text)
				}
			}
		}
	}
	if strings.Contains(log.String(), "secret") {
		t.Errorf("the PIN is in %s", log.String())
	}
}

func TestPKCS11NoModule(t *testing.T) {
	o := signing.PKCS11{URI: "pkcs11:object=k?module-name=absent", ModulePaths: []string{t.TempDir()}}
	if err := signing.Config().UsePKCS11Signer(o).Err(); !errors.Is(err, fs.ErrNotExist) && !noCgo {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
}
