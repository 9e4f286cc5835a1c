//go:build !cgo

package signing_test

import (
	"testing"

	"github.com/modelsigning/modelsigning/signing"
)

const noCgo = true

func TestPKCS11WithoutCgo(t *testing.T) {
	c := signing.Config().UsePKCS11Signer(signing.PKCS11{URI: "pkcs11:object=k?module-name=softhsm2"})
	checkError(t, "Err", c.Err(), "PKCS #11 needs cgo, and this program was built without it")
	checkError(t, "Sign", c.Sign(newModel(t), "model.sig"), "PKCS #11 needs cgo")
}
