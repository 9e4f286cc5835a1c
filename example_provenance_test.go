package modelsigning_test

import (
	"context"
	"fmt"
	"log"

	"github.com/modelsigning/modelsigning/bundle/provenance"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

// The examples of docs/provenance.md, which need a workflow. They compile.

func Example_provenanceSign() {
	ctx := context.Background()
	const commit = "0123456789abcdef0123456789abcdef01234567"

	m, err := hashing.Hash("data")
	if err != nil {
		log.Fatal(err)
	}
	err = signing.Config().
		UseSigstoreSigner(signing.Sigstore{UseAmbientCredentials: true}).
		SignProvenance(ctx, "finbert", "finbert.intoto.jsonl", provenance.Build{
			Builder:    provenance.Builder{ID: "https://github.com/example/finbert/.github/workflows/train.yml@refs/heads/main"},
			Source:     provenance.Source{URI: "https://github.com/example/finbert", Ref: "refs/heads/main", Commit: commit},
			EntryPoint: ".github/workflows/train.yml",
			Dependencies: []provenance.Descriptor{
				provenance.Describe(provenance.Dataset, "https://data.example.com/news", m),
				{Kind: provenance.Package, URI: "pkg:pypi/tensorflow@2.17.1"},
			},
		})
	if err != nil {
		log.Fatal(err)
	}
}

func Example_provenanceVerify() {
	ctx := context.Background()

	gitHub := verifying.Config().UseSigstoreVerifier(verifying.Sigstore{
		Identities: []verifying.SigstoreIdentity{{
			SubjectRegexp: "https://github.com/example/.*",
			Issuer:        "https://token.actions.githubusercontent.com",
		}},
	})
	p, err := gitHub.VerifyProvenance(ctx, "finbert", "finbert.intoto.jsonl", verifying.ProvenancePolicy{
		SourceURI: "https://github.com/example/finbert", Branch: "main",
	})
	if err != nil {
		log.Fatal(err)
	}
	r, err := gitHub.Verify("finbert", "finbert.sig")
	if err != nil {
		log.Fatal(err)
	}
	if err := p.Agrees(r); err != nil { // about the same files?
		log.Fatal(err)
	}
	fmt.Println(p.Builder.Value, p.Builder.Proven, p.Level)
}
