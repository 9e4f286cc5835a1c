//go:build cgo

package pkcs11_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/asn1"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/pkcs11"
	"github.com/modelsigning/modelsigning/internal/pkcs11/softhsm"
)

// checkBalanced sees that nothing is left open, logged in or initialized.
func checkBalanced(t testing.TB, shim softhsm.Shim) {
	t.Helper()
	for _, pair := range [][2]string{{"C_Initialize", "C_Finalize"}, {"C_OpenSession", "C_CloseSession"}} {
		if got, want := shim.Calls(t, pair[1], "0x0"), shim.Calls(t, pair[0], "0x0"); got != want {
			t.Errorf("%s was called %d times, %s %d times", pair[0], want, pair[1], got)
		}
	}
}

func TestFiftyKeysShareOneSession(t *testing.T) {
	shim, key := fixture(t)
	first := mustOpen(t, shim.Module, uri, softhsm.PIN)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			k, err := open(t, shim.Module, uri, softhsm.PIN)
			if err != nil {
				t.Error(err)
				return
			}
			defer k.Close()
			for range 5 {
				checkSigns(t, k, key)
			}
		})
	}
	wg.Wait()
	first.Close()
	if got := shim.Calls(t, "C_OpenSession", "0x0"); got != 2 {
		t.Errorf("%d sessions were opened, want 2", got)
	}
	if got := shim.Calls(t, "C_Login", "0x0"); got != 1 {
		t.Errorf("%d logins, want 1", got)
	}
	checkBalanced(t, shim)
}

func TestOpenAndCloseByMany(t *testing.T) {
	shim, key := fixture(t)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for range 3 {
				k, err := open(t, shim.Module, uri, softhsm.PIN)
				if err != nil {
					t.Error(err)
					return
				}
				checkSigns(t, k, key)
				k.Close()
				k.Close()
				if _, err := k.Sign(nil, make([]byte, 32), crypto.SHA256); err == nil {
					t.Error("a closed key signs")
				}
			}
		})
	}
	wg.Wait()
	checkBalanced(t, shim)
}

func TestDroppedSessionIsOpenedAgain(t *testing.T) {
	for _, way := range []string{"dropped", "reset"} {
		t.Run(way, func(t *testing.T) {
			shim, key := fixture(t)
			k := mustOpen(t, shim.Module, uri, softhsm.PIN)
			other := mustOpen(t, shim.Module, uri, softhsm.PIN)
			shim.Set(t, way, "")
			checkSigns(t, k, key)
			checkSigns(t, other, key)
			k.Close()
			other.Close()
			if got := shim.Calls(t, "C_Login", "0x0"); got != 2 {
				t.Errorf("%d logins, want 2", got)
			}
			k = mustOpen(t, shim.Module, uri, softhsm.PIN)
			checkSigns(t, k, key)
			k.Close()
		})
	}
}

func TestDroppedSessionForMany(t *testing.T) {
	shim, key := fixture(t)
	var wg sync.WaitGroup
	for i := range 20 {
		k := mustOpen(t, shim.Module, uri, softhsm.PIN)
		wg.Go(func() {
			defer k.Close()
			if i == 10 {
				shim.Set(t, "dropped", "")
			}
			checkSigns(t, k, key)
		})
	}
	wg.Wait()
}

func TestTokenPulledOut(t *testing.T) {
	shim, key := fixture(t)
	k := mustOpen(t, shim.Module, uri, softhsm.PIN)
	shim.Set(t, "gone", "")
	_, err := k.Sign(nil, make([]byte, 32), crypto.SHA256)
	checkError(t, "gone", err, "the token was lost meanwhile: PKCS #11: no token is present")
	k.Close()
	_, err = open(t, shim.Module, uri, softhsm.PIN)
	checkError(t, "gone", err, "no token is present")
	shim.Unset(t, "gone")
	k = mustOpen(t, shim.Module, uri, softhsm.PIN)
	checkSigns(t, k, key)
	k.Close()
	checkBalanced(t, shim)
}

func TestTokenReplaced(t *testing.T) {
	shim, _ := fixture(t)
	k := mustOpen(t, shim.Module, "pkcs11:object=k", softhsm.PIN)
	if err := os.RemoveAll(softhsm.TokenDir()); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(softhsm.TokenDir(), 0o700); err != nil {
		t.Fatal(err)
	}
	softhsm.NewToken(t, strings.TrimSpace(os.Getenv("MODEL_SIGNING_SOFTHSM")), "t2").Import(t, generate(t, elliptic.P256()), "k", "1")
	shim.Set(t, "reset", "")
	shim.Forget(t)
	_, err := k.Sign(nil, make([]byte, 32), crypto.SHA256)
	checkError(t, "replaced", err, "is in its place")
	if got := shim.Calls(t, "C_Login", "0x0") + shim.Calls(t, "C_Login", "0xa0"); got != 0 {
		t.Errorf("the PIN was tried on another token %d times", got)
	}
	k.Close()
}

func TestSmallTokens(t *testing.T) {
	for _, way := range []string{"single", "readonly"} {
		t.Run(way, func(t *testing.T) {
			shim, key := fixture(t)
			shim.Set(t, way, "")
			for range 2 {
				k := mustOpen(t, shim.Module, uri, softhsm.PIN)
				checkSigns(t, k, key)
				k.Close()
			}
			checkBalanced(t, shim)
		})
	}
}

func TestKeyThatAlwaysWantsThePIN(t *testing.T) {
	module := softhsm.Module(t)
	token := softhsm.NewToken(t, module, "t")
	token.Generate(t, asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}, "k", "1", true)
	shim := softhsm.NewShim(t, module)
	k := mustOpen(t, shim.Module, uri, softhsm.PIN)
	defer k.Close()
	digest := sha256.Sum256(nil)
	for range 2 {
		sig, err := k.Sign(nil, digest[:], crypto.SHA256)
		if err != nil || !ecdsa.VerifyASN1(k.Public().(*ecdsa.PublicKey), digest[:], sig) {
			t.Fatal("no good signature", err)
		}
	}
	if got := shim.Calls(t, "C_Login", "0x0"); got != 3 {
		t.Errorf("%d logins, want 3", got)
	}
}

// Another user of the module in this process, which neither knows of the other.
func TestModuleInitializedByOthers(t *testing.T) {
	shim, key := fixture(t)
	ctx := pkcs11.New(shim.Module)
	defer ctx.Destroy()
	if err := ctx.Initialize(); err != nil {
		t.Fatal(err)
	}
	slots, err := ctx.GetSlotList(true)
	if err != nil {
		t.Fatal(err)
	}
	session, err := ctx.OpenSession(slots[0], pkcs11.CKF_SERIAL_SESSION)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		k := mustOpen(t, shim.Module, uri, softhsm.PIN)
		checkSigns(t, k, key)
		k.Close()
	}
	if _, err := ctx.GetSessionInfo(session); err != nil {
		t.Errorf("the other's session: %v", err)
	}
	if err := ctx.Finalize(); err != nil {
		t.Error(err)
	}
	k := mustOpen(t, shim.Module, uri, softhsm.PIN)
	checkSigns(t, k, key)
	k.Close()
}
