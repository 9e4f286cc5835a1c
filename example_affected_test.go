package modelsigning_test

import (
	"context"
	"fmt"
	"log"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/bundle/provenance/affected"
	"github.com/modelsigning/modelsigning/verifying"
)

// The example of docs/affected.md, which needs provenance. It compiles.

func Example_affected() {
	ctx := context.Background()

	query, err := affected.Versions("<2.17.1", "tensorflow", "tensorflow-cpu")
	if err != nil {
		log.Fatal(err)
	}
	builder := verifying.Config().
		UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "builder.pub"})
	policy := verifying.ProvenancePolicy{BuilderID: "https://builder.example.com/v1"}

	bundles, err := bundle.ReadAllFile("finbert.intoto.jsonl", bundle.MaxSize)
	if err != nil {
		log.Fatal(err)
	}
	for _, b := range bundles {
		p, err := builder.OpenProvenance(ctx, b, policy)
		if err != nil {
			log.Fatal(err)
		}
		answer := query.Ask(affected.FromStatement(p.Statement))
		fmt.Println(answer.Status)
		for _, f := range answer.Findings {
			fmt.Println(f.Reason)
		}
	}
}
