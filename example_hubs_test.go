package modelsigning_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/verifying"
)

// The examples of docs/hubs.md.

func Example_hubPolicy() {
	signers := verifying.Config().UseAny(
		verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "acme.pub"}),
		verifying.Config().UseCertificateVerifier(verifying.Certificate{
			CertificateChain: []string{"example-root.pem"},
			Expected:         verifying.ExpectedIdentity{Email: "models@example.com"},
		}),
		verifying.Config().UseSigstoreVerifier(verifying.Sigstore{
			Identity: "alice@example.com", OIDCIssuer: "https://accounts.google.com",
		}),
	)
	if err := signers.Err(); err != nil {
		log.Fatal(err) // when the hub starts, not when the first model comes
	}
}

func Example_hubLimits() {
	ctx, body, signers := context.Background(), http.NoBody, verifying.Config()
	signature, err := bundle.Read(body, 16<<20) // some 60,000 files
	if err != nil {
		log.Fatal(err)
	}
	upload, err := signers.
		SetHashingConfig(hashing.Config().SetMaxResources(100_000).SetMaxBytes(1<<40).SetMaxOutOfOrder(4<<20)).
		Receive(ctx, signature)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(upload.Signed().Signer.Subject, "may send", upload.Signed().Manifest.Name)
}

func Example_hubStatus() {
	status := func(err error) int {
		var mismatch *verifying.MismatchError
		switch {
		case errors.As(err, &mismatch):
			return http.StatusUnprocessableEntity // signed by somebody who may, and not what was signed
		case errors.Is(err, bundle.ErrMalformed), errors.Is(err, hashing.ErrName):
			return http.StatusBadRequest
		case errors.Is(err, hashing.ErrTooMany), errors.Is(err, hashing.ErrTooLarge):
			return http.StatusRequestEntityTooLarge
		case errors.Is(err, verifying.ErrMethod), errors.Is(err, verifying.ErrIdentity), errors.Is(err, verifying.ErrCertificate),
			errors.Is(err, verifying.ErrTimestamp), errors.Is(err, verifying.ErrLog), errors.Is(err, verifying.ErrSignature):
			return http.StatusForbidden
		case errors.Is(err, hashing.ErrIncomplete):
			return http.StatusConflict // a file was cut off; it may be sent again
		}
		return http.StatusInternalServerError // a disk, a server of Sigstore: says nothing about the model
	}
	fmt.Println(status(nil))
}
