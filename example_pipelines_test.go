package modelsigning_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

// The examples of docs/pipelines.md.

func Example_pipelineSign() {
	config := signing.Config().
		UseSigstoreSigner(signing.Sigstore{UseAmbientCredentials: true}).
		SetHashingConfig(hashing.Config().SetIgnoredPaths("logs"))
	if err := config.Err(); err != nil {
		log.Fatal(err) // before the training
	}

	// ... train, and write all files of the model ...

	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	if err := config.SignContext(ctx, "finbert", "finbert.sig"); err != nil {
		log.Fatal(err)
	}
}

func Example_pipelineCheckpoint() {
	stop, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer release()
	config := signing.Config().UseEllipticKeySigner(signing.EllipticKey{PrivateKey: "key.priv"})

	done := make(chan error, 1)
	go func() { done <- config.SignContext(stop, "step-000010", "step-000010.sig") }()

	// ... the next steps of the training ...

	switch err := <-done; {
	case errors.Is(err, context.Canceled):
		fmt.Println("given up; there is no signature, and the next run makes it")
	case err != nil:
		log.Fatal(err)
	}
}

func Example_pipelineShards() {
	config := signing.Config().
		UseEllipticKeySigner(signing.EllipticKey{PrivateKey: "key.priv"}).
		SetHashingConfig(hashing.Config().UseShardSerialization(hashing.Shards{
			Algorithm: manifest.BLAKE3,
			ShardSize: 256 << 20,
		}))
	if err := config.Err(); err != nil {
		log.Fatal(err)
	}
}

func Example_pipelineDeploy() {
	result, err := verifying.Config().
		UseSigstoreVerifier(verifying.Sigstore{
			Identity:   "https://github.com/example/finbert/.github/workflows/train.yml@refs/heads/main",
			OIDCIssuer: "https://token.actions.githubusercontent.com",
		}).
		Verify("finbert", "finbert.sig")
	var mismatch *verifying.MismatchError
	var unread *fs.PathError
	switch {
	case err == nil:
		fmt.Println("deploying", result.Manifest.Root(), "signed by", result.Signer.Subject)
	case errors.As(err, &mismatch):
		log.Fatal("do not deploy, and find out who changed it: ", err)
	case errors.As(err, &unread):
		log.Fatal("try again: ", err)
	default:
		log.Fatal("do not deploy: ", err)
	}
}
