//go:build cgo

package signing_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/internal/pkcs11/softhsm"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

const noCgo = false

func generate(t testing.TB, c elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// publicFile writes the public key to a PEM file.
func publicFile(t testing.TB, key *ecdsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, filepath.Join(t.TempDir(), "key.pub"), string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
}

// checkVerifies verifies with the public key that the token exports.
func checkVerifies(t testing.TB, model, signature, public string) {
	t.Helper()
	if _, err := verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: public}).Verify(model, signature); err != nil {
		t.Error(err)
	}
}

func TestPKCS11EveryWayOfNaming(t *testing.T) {
	module := softhsm.Module(t)
	token := softhsm.NewToken(t, module, "release keys")
	softhsm.NewToken(t, module, "others")
	model := newModel(t)
	pin := write(t, filepath.Join(t.TempDir(), "pin"), softhsm.PIN+"\n")
	if err := os.Chmod(pin, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(module)
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		name := curve.Params().Name
		key := generate(t, curve)
		token.Import(t, key, name, name)
		public := publicFile(t, key)
		for _, o := range []signing.PKCS11{
			{URI: "pkcs11:token=release%20keys;object=" + name + "?module-path=" + module + "&pin-value=" + softhsm.PIN},
			{URI: "pkcs11:slot-id=" + token.Slot + ";id=" + name + "?module-path=" + dir + "&module-name=softhsm2&pin-source=" + pin},
			{URI: "pkcs11:token=release%20keys;slot-id=" + token.Slot + ";object=" + name + ";id=" + name + ";type=private?module-name=softhsm2&pin-source=file:" + pin, ModulePaths: []string{dir}},
			{URI: "pkcs11:serial=" + token.Serial + ";object=" + name + "?pin-source=file://" + pin + "&module-name=libsofthsm2.so", ModulePaths: []string{t.TempDir(), dir}},
			{URI: "pkcs11:model=SoftHSM%20v2;token=release%20keys;object=" + name + "?module-path=" + module, PIN: softhsm.PIN},
		} {
			signature := filepath.Join(t.TempDir(), "model.sig")
			if err := signing.Config().UsePKCS11Signer(o).Sign(model, signature); err != nil {
				t.Errorf("%v: %v", o, err)
				continue
			}
			checkVerifies(t, model, signature, public)
		}
	}
}

func TestPKCS11WellKnownDirectories(t *testing.T) {
	module := softhsm.Module(t)
	if dir := filepath.Dir(module); dir != "/usr/lib/softhsm" && !strings.HasSuffix(dir, "/pkcs11") {
		t.Skipf("SoftHSM is in %s, which is no system's directory", dir)
	}
	softhsm.NewToken(t, module, "t").Import(t, newKey(t), "k", "1")
	o := signing.PKCS11{URI: "pkcs11:token=t;object=k?module-name=softhsm2", PIN: softhsm.PIN}
	if err := signing.Config().UsePKCS11Signer(o).Sign(newModel(t), filepath.Join(t.TempDir(), "model.sig")); err != nil {
		t.Error(err)
	}
}

// tokenFixture is a token with a key, behind a module that can be made to fail.
func tokenFixture(t testing.TB) (shim softhsm.Shim, o signing.PKCS11, public string) {
	t.Helper()
	module := softhsm.Module(t)
	key := newKey(t)
	softhsm.NewToken(t, module, "t").Import(t, key, "k", "1")
	shim = softhsm.NewShim(t, module)
	return shim, signing.PKCS11{URI: "pkcs11:token=t;object=k?module-path=" + shim.Module, PIN: softhsm.PIN}, publicFile(t, key)
}

func checkClosed(t testing.TB, shim softhsm.Shim) {
	t.Helper()
	for _, pair := range [][2]string{{"C_Initialize", "C_Finalize"}, {"C_OpenSession", "C_CloseSession"}} {
		if got, want := shim.Calls(t, pair[1], "0x0"), shim.Calls(t, pair[0], "0x0"); got != want {
			t.Errorf("%s was called %d times, %s %d times", pair[0], want, pair[1], got)
		}
	}
}

func TestPKCS11FiftyGoroutines(t *testing.T) {
	shim, o, public := tokenFixture(t)
	c := signing.Config().UsePKCS11Signer(o)
	var wg sync.WaitGroup
	for range 50 {
		model, signature := newModel(t), filepath.Join(t.TempDir(), "model.sig")
		wg.Go(func() {
			if err := c.Sign(model, signature); err != nil {
				t.Error(err)
				return
			}
			checkVerifies(t, model, signature, public)
		})
	}
	wg.Wait()
	checkClosed(t, shim)
}

// at calls f once, while the model is hashed.
func at(f func()) hashing.Configuration {
	var once sync.Once
	return hashing.Config().SetProgress(func(hashing.Progress) { once.Do(f) })
}

func TestPKCS11LoginIsProvenBeforeHashing(t *testing.T) {
	shim, o, _ := tokenFixture(t)
	hashed := false
	c := signing.Config().SetHashingConfig(at(func() { hashed = true }))
	for name, change := range map[string]func(*signing.PKCS11){
		"the PIN was refused":                       func(o *signing.PKCS11) { o.PIN = "0000" },
		"no token matches the URI":                  func(o *signing.PKCS11) { o.URI = strings.Replace(o.URI, "token=t", "token=x", 1) },
		"no private key matches the URI":            func(o *signing.PKCS11) { o.URI = strings.Replace(o.URI, "object=k", "object=x", 1) },
		"the PIN was refused before, and is not tr": func(o *signing.PKCS11) { o.PIN = "0000" },
	} {
		o := o
		change(&o)
		if strings.Contains(name, "before") {
			o.PIN = "0001"
			_ = c.UsePKCS11Signer(o).Sign(newModel(t), filepath.Join(t.TempDir(), "x.sig"))
		}
		signature := filepath.Join(t.TempDir(), "model.sig")
		err := c.UsePKCS11Signer(o).Sign(newModel(t), signature)
		checkError(t, name, err, name)
		if errors.Is(err, signing.ErrPIN) != strings.Contains(name, "PIN") {
			t.Errorf("%s: %v", name, err)
		}
		if errors.Is(err, signing.ErrNoKey) != strings.Contains(name, "key") {
			t.Errorf("%s: ErrNoKey is not told apart: %v", name, err)
		}
		checkAbsent(t, signature)
	}
	if hashed {
		t.Error("the model was hashed first")
	}
	checkClosed(t, shim)
}

func checkAbsent(t testing.TB, signature string) {
	t.Helper()
	found, err := os.ReadDir(filepath.Dir(signature))
	if err != nil || len(found) > 0 {
		t.Errorf("left behind: %v, %v", found, err)
	}
}

func TestPKCS11TokenLostWhileHashing(t *testing.T) {
	shim, o, public := tokenFixture(t)
	model, signature := newModel(t), filepath.Join(t.TempDir(), "model.sig")
	c := signing.Config().UsePKCS11Signer(o)
	err := c.SetHashingConfig(at(func() { shim.Set(t, "gone", "") })).Sign(model, signature)
	checkError(t, "gone", err, "the token was lost meanwhile")
	checkAbsent(t, signature)
	shim.Unset(t, "gone")

	for _, way := range []string{"dropped", "reset"} {
		if err := c.SetHashingConfig(at(func() { shim.Set(t, way, "") })).Sign(model, signature); err != nil {
			t.Errorf("%s: %v", way, err)
		}
		checkVerifies(t, model, signature, public)
	}
}

// A signature that the device made is verified before anything is written.
func TestPKCS11WrongSignature(t *testing.T) {
	shim, o, _ := tokenFixture(t)
	shim.Set(t, "wrong", "")
	signature := filepath.Join(t.TempDir(), "model.sig")
	err := signing.Config().UsePKCS11Signer(o).Sign(newModel(t), signature)
	checkError(t, "wrong", err, "does not verify with its own public key")
	checkAbsent(t, signature)
	checkClosed(t, shim)
}

func TestPKCS11Warnings(t *testing.T) {
	_, o, _ := tokenFixture(t)
	pin := write(t, filepath.Join(t.TempDir(), "pin"), softhsm.PIN)
	if err := os.Chmod(pin, 0o644); err != nil {
		t.Fatal(err)
	}
	o.PIN = ""
	o.URI += "&x-vendor=1&pin-source=" + pin
	var log bytes.Buffer
	c := signing.Config().UsePKCS11Signer(o)
	model := newModel(t)
	for _, c := range []signing.Configuration{c, c.SetLogger(slog.New(slog.NewTextHandler(&log, nil)))} {
		if err := c.Sign(model, filepath.Join(t.TempDir(), "model.sig")); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"PIN file " + pin + " can be read by others", `attribute \"x-vendor\" is not known and is ignored`} {
		if strings.Count(log.String(), want) != 1 {
			t.Errorf("got %s, want %s once", log.String(), want)
		}
	}
	if strings.Contains(log.String(), softhsm.PIN) {
		t.Errorf("the PIN is in %s", log.String())
	}
}

// python returns a Python that has the reference implementation, model-signing[pkcs11], with pyOpenSSL, which
// release 1.1.1 needs and does not name.
func python(t testing.TB) string {
	t.Helper()
	name := os.Getenv("MODEL_SIGNING_PYTHON")
	if name == "" {
		t.Skip("set MODEL_SIGNING_PYTHON to a Python with model-signing[pkcs11] to test with the reference implementation")
	}
	return name
}

func runPython(t testing.TB, args ...string) {
	t.Helper()
	out, err := exec.Command(python(t), args...).CombinedOutput()
	if err != nil {
		t.Errorf("python %q: %v\n%s", args, err, out)
	}
}

func TestPKCS11Python(t *testing.T) {
	python(t)
	module := softhsm.Module(t)
	token := softhsm.NewToken(t, module, "t")
	model := newModel(t)
	for i, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		name := curve.Params().Name
		key := generate(t, curve)
		token.Import(t, key, name, string(rune('1'+i)))
		public := publicFile(t, key)
		uri := "pkcs11:token=t;object=" + name + "?module-path=" + module + "&pin-value=" + softhsm.PIN
		ours, theirs := filepath.Join(t.TempDir(), "ours.sig"), filepath.Join(t.TempDir(), "theirs.sig")
		if err := signing.Config().UsePKCS11Signer(signing.PKCS11{URI: uri}).Sign(model, ours); err != nil {
			t.Fatal(err)
		}
		runPython(t, "-m", "model_signing", "verify", "key", model, "--signature", ours, "--public_key", public)
		runPython(t, "-m", "model_signing", "sign", "pkcs11-key", model, "--signature", theirs, "--pkcs11_uri", uri)
		checkVerifies(t, model, theirs, public)
	}
}

func TestPKCS11PathErrors(t *testing.T) {
	module := softhsm.Module(t)
	for uri, want := range map[string]error{
		"pkcs11:object=k?module-path=" + module + ".absent":            fs.ErrNotExist,
		"pkcs11:object=k?module-name=absent-module":                    fs.ErrNotExist,
		"pkcs11:object=k?pin-source=/absent-pin&module-path=" + module: fs.ErrNotExist,
	} {
		var path *fs.PathError
		if err := signing.Config().UsePKCS11Signer(signing.PKCS11{URI: uri}).Err(); !errors.Is(err, want) || !errors.As(err, &path) {
			t.Errorf("%s: got %v, want a path error", uri, err)
		}
	}
}
