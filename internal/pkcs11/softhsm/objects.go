//go:build cgo

package softhsm

import (
	"crypto/x509"
	"encoding/asn1"
	"strconv"
	"testing"

	"github.com/miekg/pkcs11"
)

// What softhsm2-util has no option for is done through the module, in this process.

// ImportCertificate puts a certificate on the token.
func (k Token) ImportCertificate(t testing.TB, cert *x509.Certificate, label, id string) {
	t.Helper()
	serial, err := asn1.Marshal(cert.SerialNumber)
	if err != nil {
		t.Fatal(err)
	}
	k.loggedIn(t, func(ctx *pkcs11.Ctx, session pkcs11.SessionHandle) error {
		_, err := ctx.CreateObject(session, []*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_CERTIFICATE),
			pkcs11.NewAttribute(pkcs11.CKA_CERTIFICATE_TYPE, pkcs11.CKC_X_509),
			pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true),
			pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, false),
			pkcs11.NewAttribute(pkcs11.CKA_SUBJECT, cert.RawSubject),
			pkcs11.NewAttribute(pkcs11.CKA_ISSUER, cert.RawIssuer),
			pkcs11.NewAttribute(pkcs11.CKA_SERIAL_NUMBER, serial),
			pkcs11.NewAttribute(pkcs11.CKA_VALUE, cert.Raw),
			pkcs11.NewAttribute(pkcs11.CKA_LABEL, label),
			pkcs11.NewAttribute(pkcs11.CKA_ID, []byte(id)),
		})
		return err
	})
}

// Generate makes a key on the token, on a curve that Go may not have. A key that always authenticates wants the
// PIN for every signature.
func (k Token) Generate(t testing.TB, curve asn1.ObjectIdentifier, label, id string, alwaysAuthenticate bool) {
	t.Helper()
	params, err := asn1.Marshal(curve)
	if err != nil {
		t.Fatal(err)
	}
	k.loggedIn(t, func(ctx *pkcs11.Ctx, session pkcs11.SessionHandle) error {
		name := []*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true),
			pkcs11.NewAttribute(pkcs11.CKA_LABEL, label),
			pkcs11.NewAttribute(pkcs11.CKA_ID, []byte(id)),
		}
		_, _, err := ctx.GenerateKeyPair(session, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_EC_KEY_PAIR_GEN, nil)},
			append([]*pkcs11.Attribute{
				pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, params),
				pkcs11.NewAttribute(pkcs11.CKA_VERIFY, true),
			}, name...),
			append([]*pkcs11.Attribute{
				pkcs11.NewAttribute(pkcs11.CKA_SIGN, true),
				pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
				pkcs11.NewAttribute(pkcs11.CKA_ALWAYS_AUTHENTICATE, alwaysAuthenticate),
			}, name...))
		return err
	})
}

// PINCountLow reports whether the token says that a wrong PIN was tried since the last right one.
func (k Token) PINCountLow(t testing.TB) bool {
	t.Helper()
	low := false
	k.initialized(t, func(ctx *pkcs11.Ctx, slot uint) error {
		info, err := ctx.GetTokenInfo(slot)
		low = info.Flags&pkcs11.CKF_USER_PIN_COUNT_LOW != 0
		return err
	})
	return low
}

func (k Token) loggedIn(t testing.TB, f func(*pkcs11.Ctx, pkcs11.SessionHandle) error) {
	t.Helper()
	k.initialized(t, func(ctx *pkcs11.Ctx, slot uint) error {
		session, err := ctx.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
		if err != nil {
			return err
		}
		if err := ctx.Login(session, pkcs11.CKU_USER, PIN); err != nil {
			return err
		}
		return f(ctx, session)
	})
}

func (k Token) initialized(t testing.TB, f func(*pkcs11.Ctx, uint) error) {
	t.Helper()
	slot, err := strconv.ParseUint(k.Slot, 10, strconv.IntSize)
	if err != nil {
		t.Fatal(err)
	}
	ctx := pkcs11.New(k.Module)
	if ctx == nil {
		t.Fatalf("%s is not a PKCS #11 module", k.Module)
	}
	defer ctx.Destroy()
	if err := ctx.Initialize(); err != nil {
		t.Fatal(err)
	}
	defer ctx.Finalize()
	if err := f(ctx, uint(slot)); err != nil {
		t.Fatal(err)
	}
}
