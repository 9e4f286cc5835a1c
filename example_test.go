package modelsigning_test

import (
	"errors"
	"fmt"
	"io/fs"
	"log"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

func Example_sign() {
	err := signing.Config().
		UseEllipticKeySigner(signing.EllipticKey{PrivateKey: "key.priv"}).
		Sign("finbert", "finbert.sig")
	if err != nil {
		log.Fatal(err)
	}
	// Output:
}

func Example_verify() {
	result, err := verifying.Config().
		UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "key.pub"}).
		Verify("finbert", "finbert.sig")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("signed files:", len(result.Manifest.Resources))
	fmt.Println("not covered:", result.Ignored, result.Unsigned)
	// Output:
	// signed files: 2
	// not covered: [.gitattributes] []
}

func Example_shards() {
	err := signing.Config().
		UseEllipticKeySigner(signing.EllipticKey{PrivateKey: "key.priv"}).
		SetHashingConfig(hashing.Config().
			UseShardSerialization(hashing.Shards{Algorithm: manifest.BLAKE3}).
			SetIgnoredPaths("notes")).
		Sign("finbert", "finbert-shards.sig")
	if err != nil {
		log.Fatal(err)
	}
	// Output:
}

func Example_errors() {
	config := verifying.Config().
		UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "key.pub"})

	_, err := config.Verify("changed", "finbert.sig")

	var mismatch *verifying.MismatchError
	var unread *fs.PathError
	switch {
	case err == nil:
		fmt.Println("the model is what was signed")
	case errors.As(err, &mismatch):
		fmt.Println("the signature is good, and the model another:", len(mismatch.Changed), "changed")
	case errors.Is(err, verifying.ErrIdentity), errors.Is(err, verifying.ErrSignature):
		fmt.Println("it was not this key that signed:", err)
	case errors.Is(err, bundle.ErrMalformed):
		fmt.Println("the file is not a signature:", err)
	case errors.Is(err, hashing.ErrSymlink), errors.Is(err, hashing.ErrNotRegular), errors.Is(err, hashing.ErrName):
		fmt.Println("the model holds what no signature covers:", err)
	case errors.Is(err, hashing.ErrChanged), errors.Is(err, hashing.ErrTooMany), errors.Is(err, hashing.ErrTooLarge):
		fmt.Println("the model is another, or changes:", err)
	case errors.As(err, &unread):
		fmt.Println("cannot tell, for something could not be read:", unread.Path)
	default:
		fmt.Println("refused:", err)
	}
	// Output: the signature is good, and the model another: 1 changed
}
