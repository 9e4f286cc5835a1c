//go:build cgo

package pkcs11_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/modelsigning/modelsigning/internal/pkcs11"
	"github.com/modelsigning/modelsigning/internal/pkcs11/softhsm"
)

func generate(t testing.TB, c elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func open(t testing.TB, module, uri, pin string) (*Key, error) {
	t.Helper()
	u, err := Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	return Open(Options{URI: u, Module: module, PIN: pin})
}

func mustOpen(t testing.TB, module, uri, pin string) *Key {
	t.Helper()
	k, err := open(t, module, uri, pin)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func checkSigns(t testing.TB, k *Key, want *ecdsa.PrivateKey) {
	t.Helper()
	if !want.PublicKey.Equal(k.Public()) {
		t.Fatalf("opened another key")
	}
	digest := sha256.Sum256([]byte("model"))
	sig, err := k.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if !ecdsa.VerifyASN1(&want.PublicKey, digest[:], sig) {
		t.Fatal("the signature does not verify")
	}
}

func TestOpenByEveryName(t *testing.T) {
	module := softhsm.Module(t)
	token := softhsm.NewToken(t, module, "release keys")
	softhsm.NewToken(t, module, "other")
	key, second := generate(t, elliptic.P256()), generate(t, elliptic.P384())
	token.Import(t, key, "finbert", "\x01\xff")
	token.Import(t, second, "bert", "\x02")
	for _, uri := range []string{
		"slot-id=" + token.Slot + ";object=finbert",
		"token=release%20keys;object=finbert",
		"token=release%20keys;id=%01%ff",
		"token=release%20keys;object=finbert;id=%01%FF;type=private",
		"token=release%20keys;slot-id=" + token.Slot + ";object=finbert",
		"serial=" + token.Serial + ";object=finbert",
		"manufacturer=SoftHSM%20project;model=SoftHSM%20v2;token=release%20keys;object=finbert",
		"library-manufacturer=SoftHSM;library-description=Implementation%20of%20PKCS11;library-version=2.6;token=release%20keys;object=finbert",
		"slot-manufacturer=SoftHSM%20project;token=release%20keys;object=finbert",
	} {
		k, err := open(t, module, "pkcs11:"+uri, softhsm.PIN)
		if err != nil {
			t.Errorf("%s: %v", uri, err)
			continue
		}
		checkSigns(t, k, key)
		k.Close()
	}
	for uri, want := range map[string]string{
		"token=absent;object=finbert":                            `no token matches the URI; present: "`,
		"token=other;slot-id=" + token.Slot + ";object=finbert":  "no token matches the URI",
		"slot-id=0;object=finbert":                               "no token matches the URI",
		"model=HSM;token=release%20keys;object=finbert":          "no token matches the URI",
		"slot-description=x;token=release%20keys;object=finbert": "no token matches the URI",
		"library-version=9;token=release%20keys;object=finbert":  `is "Implementation of PKCS11" by "SoftHSM", version 2.6, and the URI names another library`,
		"object=finbert":                                          "2 tokens match the URI: ",
		"token=release%20keys;object=absent":                      "no private key matches the URI; present: ",
		"token=release%20keys;object=finbert;id=%02":              "no private key matches the URI",
		"token=release%20keys;object=":                            "no private key matches the URI",
		"token=release%20keys;id=":                                "no private key matches the URI",
		"token=other;object=finbert":                              "no private key is on it",
		"token=release%20keys;manufacturer=;object=finbert;id=%0": "",
	} {
		u, err := Parse("pkcs11:" + uri)
		if want == "" {
			if err == nil {
				t.Errorf("%s: parsed", uri)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		_, err = Open(Options{URI: u, Module: module, PIN: softhsm.PIN})
		checkError(t, uri, err, want)
		if got, want := errors.Is(err, ErrNoKey), strings.Contains(want, "private key") || strings.Contains(want, "2 tokens"); got != want {
			t.Errorf("%s: got ErrNoKey %t, want %t", uri, got, want)
		}
	}
}

func checkError(t testing.TB, name string, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: got error %v, want %q", name, err, want)
	}
}

func TestOpenCurvesAndTypes(t *testing.T) {
	module := softhsm.Module(t)
	token := softhsm.NewToken(t, module, "t")
	for i, c := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		key := generate(t, c)
		token.Import(t, key, c.Params().Name, fmt.Sprint(i))
		k := mustOpen(t, module, "pkcs11:token=t;object="+c.Params().Name, softhsm.PIN)
		checkSigns(t, k, key)
		k.Close()
	}
	token.Import(t, generate(t, elliptic.P224()), "P-224", "p224")
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	token.Import(t, rsaKey, "RSA", "rsa")
	token.Generate(t, asn1.ObjectIdentifier{1, 3, 132, 0, 10}, "koblitz", "koblitz", false)
	token.Import(t, generate(t, elliptic.P256()), "bare", "bare", "--no-public-key")
	token.Import(t, generate(t, elliptic.P256()), "twin", "twin 1")
	token.Import(t, generate(t, elliptic.P256()), "twin", "twin 2")
	for object, want := range map[string]string{
		"P-224":   "P-224 keys are not supported, only elliptic-curve keys on P-256, P-384 and P-521",
		"RSA":     "RSA keys are not supported",
		"koblitz": "secp256k1 keys are not supported",
		"bare":    "is on the token without its public key and without a certificate",
		"twin":    `2 private keys match the URI: "twin" (id=%74%77%69%6E%20%31), "twin" (id=`,
	} {
		_, err := open(t, module, "pkcs11:token=t;object="+object, softhsm.PIN)
		checkError(t, object, err, want)
		if !errors.Is(err, ErrNoKey) {
			t.Errorf("%s: %v is not ErrNoKey", object, err)
		}
	}
}

func TestCertificate(t *testing.T) {
	module := softhsm.Module(t)
	token := softhsm.NewToken(t, module, "t")
	key, bare := generate(t, elliptic.P256()), generate(t, elliptic.P384())
	token.Import(t, key, "both", "1")
	token.ImportCertificate(t, selfSign(t, key, 1), "both", "1")
	token.Import(t, bare, "certificate only", "2", "--no-public-key")
	token.ImportCertificate(t, selfSign(t, bare, 2), "certificate only", "2")
	token.Import(t, key, "none", "3")
	token.Import(t, key, "another's", "4")
	token.ImportCertificate(t, selfSign(t, bare, 4), "another's", "4")
	token.Import(t, key, "two", "5")
	token.ImportCertificate(t, selfSign(t, key, 51), "two", "5")
	token.ImportCertificate(t, selfSign(t, key, 52), "two", "5")
	for id, test := range map[string]struct {
		key    *ecdsa.PrivateKey
		serial int64
		err    string
	}{
		"1": {key, 1, ""},
		"2": {bare, 2, ""},
		"3": {key, 0, "has no certificate for the key"},
		"4": {key, 0, "has no certificate for the key"},
		"5": {key, 0, "two certificates are for the key"},
	} {
		k := mustOpen(t, module, "pkcs11:token=t;id="+id, softhsm.PIN)
		checkSigns(t, k, test.key)
		cert, err := k.Certificate()
		if test.err != "" {
			checkError(t, id, err, test.err)
		} else if err != nil || cert.SerialNumber.Int64() != test.serial {
			t.Errorf("%s: got %v, %v, want serial number %d", id, cert, err, test.serial)
		}
		k.Close()
	}
}

func selfSign(t testing.TB, key *ecdsa.PrivateKey, serial int64) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "signer"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestOpenNoModule(t *testing.T) {
	softhsm.Module(t)
	name := t.TempDir() + "/text.so"
	if err := os.WriteFile(name, []byte("not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := open(t, name, "pkcs11:object=a", "")
	checkError(t, "text", err, "text.so: is not a PKCS #11 module")
	_, err = open(t, "/lib/x86_64-linux-gnu/libm.so.6", "pkcs11:object=a", "")
	checkError(t, "another library", err, "PKCS #11 module")
	_, err = open(t, name+"x", "pkcs11:object=a", "")
	checkError(t, "absent", err, "no such file or directory")
}

// fixture is a token with a key, behind a module that can be made to fail.
func fixture(t testing.TB) (shim softhsm.Shim, key *ecdsa.PrivateKey) {
	t.Helper()
	module := softhsm.Module(t)
	token := softhsm.NewToken(t, module, "t")
	key = generate(t, elliptic.P256())
	token.Import(t, key, "k", "1")
	return softhsm.NewShim(t, module), key
}

const uri = "pkcs11:token=t;object=k"

func TestWrongPINIsTriedOnce(t *testing.T) {
	shim, key := fixture(t)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			_, err := open(t, shim.Module, uri, "0000")
			if !errors.Is(err, ErrPIN) {
				t.Errorf("got %v, want ErrPIN", err)
			}
		})
	}
	wg.Wait()
	if got := shim.Calls(t, "C_Login", "0xa0"); got != 1 {
		t.Errorf("the wrong PIN was tried %d times", got)
	}
	checkBalanced(t, shim)

	k := mustOpen(t, shim.Module, uri, softhsm.PIN)
	checkSigns(t, k, key)
	// The token is logged in, and would not look at another PIN.
	_, err := open(t, shim.Module, uri, "0001")
	if !errors.Is(err, ErrPIN) {
		t.Errorf("got %v, want ErrPIN", err)
	}
	k.Close()
	if got := shim.Calls(t, "C_Login", "0xa0"); got != 1 {
		t.Errorf("a wrong PIN was tried besides the right one")
	}
	// The right PIN shows that the token is as it was, but others may have set a new one: refused PINs are
	// forgotten.
	if _, err := open(t, shim.Module, uri, "0000"); !errors.Is(err, ErrPIN) {
		t.Errorf("got %v, want ErrPIN", err)
	}
	if got := shim.Calls(t, "C_Login", "0xa0"); got != 2 {
		t.Errorf("the wrong PIN was tried %d times, want 2", got)
	}
}

func TestPINMissingOrLocked(t *testing.T) {
	shim, _ := fixture(t)
	_, err := open(t, shim.Module, uri, "")
	checkError(t, "no PIN", err, "needs a PIN")
	shim.Set(t, "limit", "")
	for _, pin := range []string{"0001", "0002", "0003"} {
		_, err := open(t, shim.Module, uri, pin)
		checkError(t, pin, err, "the PIN was refused (")
	}
	_, err = open(t, shim.Module, uri, softhsm.PIN)
	checkError(t, "locked", err, "the token is locked")
	if !errors.Is(err, ErrPIN) {
		t.Errorf("%v is not ErrPIN", err)
	}
	checkBalanced(t, shim)
}

func TestPINPad(t *testing.T) {
	shim, key := fixture(t)
	shim.Set(t, "pinpad", "0000")
	for range 2 {
		if _, err := open(t, shim.Module, uri, ""); !errors.Is(err, ErrPIN) {
			t.Errorf("got %v, want ErrPIN", err)
		}
	}
	if got := shim.Calls(t, "C_Login", "0xa0"); got != 2 {
		t.Errorf("the user was asked %d times, want 2", got)
	}
	shim.Set(t, "pinpad", softhsm.PIN)
	k := mustOpen(t, shim.Module, uri, "")
	checkSigns(t, k, key)
	k.Close()
}

// SoftHSM never locks, but tells that its counter has moved.
func TestWrongPINMovesTheCounter(t *testing.T) {
	module := softhsm.Module(t)
	token := softhsm.NewToken(t, module, "t")
	token.Import(t, generate(t, elliptic.P256()), "k", "1")
	if token.PINCountLow(t) {
		t.Fatal("the counter is low from the start")
	}
	if _, err := open(t, module, uri, "0000"); !errors.Is(err, ErrPIN) {
		t.Fatalf("got %v, want ErrPIN", err)
	}
	if !token.PINCountLow(t) {
		t.Error("the PIN was not tried")
	}
	mustOpen(t, module, uri, softhsm.PIN).Close()
	if token.PINCountLow(t) {
		t.Error("the right PIN did not reset the counter")
	}
}
