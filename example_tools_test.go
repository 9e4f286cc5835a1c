package modelsigning_test

import (
	"context"
	"crypto"
	"fmt"
	"log"
	"log/slog"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

// The examples of docs/tools.md.

func Example_toolKeyElsewhere() {
	var kms crypto.Signer // of a cloud, an agent, a device: its Public is an *ecdsa.PublicKey

	config := signing.Config().UseEllipticKeySigner(signing.EllipticKey{Key: kms})
	if err := config.Err(); err != nil {
		log.Fatal(err)
	}
}

// A service signs statements elsewhere.
type service struct{}

func (service) Sign(ctx context.Context, statement []byte) (*bundle.Bundle, error) {
	sig, hint, err := ask(ctx, bundle.PAE(statement))
	if err != nil {
		return nil, err
	}
	return bundle.NewKey(statement, sig, hint), nil
}

func ask(context.Context, []byte) (sig []byte, hint string, err error) { return }

func Example_toolSigner() {
	config := signing.Config().UseSigner(service{})
	if err := config.Err(); err != nil {
		log.Fatal(err)
	}
}

func Example_toolProgress() {
	verifier := verifying.Config().
		UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "key.pub"}).
		SetHashingConfig(hashing.Config().
			SetMaxWorkers(2).
			SetProgress(func(p hashing.Progress) { fmt.Printf("\r%d of %d bytes", p.Done, p.Total) })).
		SetLogger(slog.Default())
	if err := verifier.Err(); err != nil {
		log.Fatal(err)
	}
}

func Example_toolInspect() {
	b, err := bundle.ReadFileLimit("finbert.sig", 256<<20)
	if err != nil {
		log.Fatal(err)
	}
	claimed, err := bundle.ParseStatement(b.UnverifiedStatement())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("UNVERIFIED: signed by %s: %q, %d resources\n", b.Method(), claimed.Name, len(claimed.Resources))
}

func Example_toolManifest() {
	m, err := hashing.Hash("finbert")
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range m.Resources {
		fmt.Println(r.Digest, r.Name())
	}
	older := &manifest.Manifest{Resources: m.Resources[1:]}
	fmt.Println("new since then:", older.Diff(m).Extra)
}
