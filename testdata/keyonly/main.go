// The command keyonly signs a model and verifies it with keys. It stands for the programs of importers who need
// no more than that: what they link and how large they are is measured with it.
package main

import (
	"log"

	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

func main() {
	err := signing.Config().
		UseEllipticKeySigner(signing.EllipticKey{PrivateKey: "key.priv"}).
		Sign("finbert", "finbert.sig")
	if err != nil {
		log.Fatal(err)
	}
	_, err = verifying.Config().
		UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "key.pub"}).
		Verify("finbert", "finbert.sig")
	if err != nil {
		log.Fatal(err)
	}
}
