package modelsigning_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"path/filepath"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

// The examples of docs/layouts.md. They compile.

func Example_huggingFace() {
	revision := "c5f93f70b12a7d8d3b6a1d2f0e9b8a7c6d5e4f3a"
	cache := "/home/me/.cache/huggingface/hub/models--org--bert"

	result, err := verifying.Config().
		UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "key.pub"}).
		SetHashingConfig(hashing.Config().SetHuggingFace(true)).
		Verify(filepath.Join(cache, "snapshots", revision), "bert.sig")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Ignored)
}

func Example_snapshot() {
	ctx, snapshot := context.Background(), "cache/models--org--bert/snapshots/main"

	view, err := hashing.OpenSnapshot(snapshot)
	if err != nil {
		log.Fatal(err)
	}
	defer view.Close()
	signature, err := signing.Config().
		UseEllipticKeySigner(signing.EllipticKey{PrivateKey: "key.priv"}).
		SignFS(ctx, view, "bert")
	if err != nil {
		log.Fatal(err)
	}
	_ = signature
}

func Example_notPulled() {
	config := verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "key.pub"})

	_, err := config.Verify("clone", "bert.sig")
	var mismatch *verifying.MismatchError
	if errors.As(err, &mismatch) && len(mismatch.Pointers) > 0 {
		log.Fatal("run git lfs pull first: ", mismatch.Pointers)
	}
}

func Example_partsOfModel() {
	config := verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "key.pub"})

	result, err := config.
		SetOnly("config.json", "tokenizer*", "model-00001-of-*.safetensors").
		Verify("bert", "bert.sig")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("complete:", !result.Partial)
	fmt.Println("not checked:", result.Unchecked)
}

func Example_digestCache() {
	cache, err := hashing.OpenCache("/var/lib/serve/digests")
	if err != nil {
		log.Fatal(err)
	}
	config := verifying.Config().
		UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "key.pub"}).
		SetHashingConfig(hashing.Config().SetCache(cache))

	_, err = config.Verify("bert", "bert.sig")
	if errors.Is(err, bundle.ErrMalformed) {
		log.Fatal("no signature: ", err)
	}
	if err := errors.Join(err, cache.Save()); err != nil {
		log.Fatal(err)
	}
}
