package modelsigning_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"go.opentelemetry.io/otel/trace"

	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
	"github.com/modelsigning/modelsigning/verifying/tracing"
)

// The examples of docs/policy.md. They compile.

func Example_policyAny() {
	config := verifying.Config().UseAny(
		verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "release-2025.pub"}),
		verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "release-2026.pub"}),
		verifying.Config().UseCertificateVerifier(verifying.Certificate{
			CertificateChain: []string{"company-root.pem"},
			Expected:         verifying.ExpectedIdentity{Email: "models@example.com"},
		}),
	)
	result, err := config.Verify("finbert", "finbert.sig")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("accepted by alternative", result.Signer.Matched, "as", result.Signer.Subject)
}

func Example_policyThreshold() {
	ctx := context.Background()
	team := verifying.Config().UseAny(
		verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "alice.pub"}),
		verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "bob.pub"}),
		verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "carol.pub"}),
	)
	result, err := team.VerifyThreshold(ctx, "finbert", 2, "alice.sig", "bob.sig", "carol.sig")
	var few *verifying.ThresholdError
	switch {
	case errors.As(err, &few):
		for _, s := range few.Signatures {
			fmt.Println(s.Name, "does not count:", s.Err)
		}
	case err != nil:
		fmt.Println("cannot tell:", err)
	default:
		fmt.Println(result.Signers, "have signed; not covered by all of them:", result.Ignored, result.Unsigned)
	}
}

func Example_policyTracing() {
	var provider trace.TracerProvider // of your program

	tracer := tracing.New(provider)
	sign := signing.Config().SetTracer(tracer)
	verify := verifying.Config().SetTracer(tracer)

	_, _ = sign, verify
}
