package modelsigning_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/signing"
)

// The examples of docs/distributed.md. They compile.

func Example_distributedSlice() {
	ctx := context.Background()
	plan, err := hashing.Config().Plan(ctx, "finbert", 16)
	if err != nil {
		log.Fatal(err)
	}
	part, err := hashing.Config().SetPlan(plan).Slice(3, 16).Part(ctx, "finbert")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(part.Slice)
}

func Example_distributedMerge() {
	ctx := context.Background()
	var parts []*manifest.Partial // that the machines have made
	m, err := manifest.Merge(parts...)
	var missing *manifest.MissingSlicesError
	switch {
	case errors.As(err, &missing):
		fmt.Println("hash again:", missing.List())
	case err != nil:
		log.Fatal(err)
	default:
		err = signing.Config().
			UseEllipticKeySigner(signing.EllipticKey{PrivateKey: "key.priv"}).
			SignManifestTo(ctx, m, "finbert.sig")
	}
	if err != nil {
		log.Fatal(err)
	}
}
