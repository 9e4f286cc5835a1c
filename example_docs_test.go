package modelsigning_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

// The examples of docs, which need what not every machine has: a login, a token, a certificate. They compile.

func Example_sigstoreAmbient() {
	err := signing.Config().
		UseSigstoreSigner(signing.Sigstore{UseAmbientCredentials: true}).
		Sign("finbert", "finbert.sig")
	if err != nil {
		log.Fatal(err)
	}
}

func Example_sigstoreTokenSource() {
	config := signing.Config().UseSigstoreSigner(signing.Sigstore{
		TokenSource: func(ctx context.Context) (string, error) {
			token, err := os.ReadFile("/run/secrets/oidc-token")
			return string(bytes.TrimSpace(token)), err
		},
	})
	if err := config.Err(); err != nil {
		log.Fatal(err)
	}
}

func Example_sigstoreWorkflow() {
	config := verifying.Config().UseSigstoreVerifier(verifying.Sigstore{
		Identities: []verifying.SigstoreIdentity{{
			SubjectRegexp: `https://github\.com/example/finbert/\.github/workflows/release\.yml@refs/tags/v.*`,
			Issuer:        "https://token.actions.githubusercontent.com",
			Extensions:    verifying.SigstoreExtensions{SourceRepositoryURI: "https://github.com/example/finbert"},
		}},
	})
	if err := config.Err(); err != nil {
		log.Fatal(err)
	}
}

func Example_sigstoreMirror() {
	config := verifying.Config().UseSigstoreVerifier(verifying.Sigstore{
		Identity: "alice@example.com", OIDCIssuer: "https://oidc.example.com",
		TUFMirror: "https://tuf.example.com", TUFRoot: "root.json",
	})
	if err := config.Err(); err != nil {
		log.Fatal(err)
	}
}

func Example_sigstoreOffline() {
	config := verifying.Config().UseSigstoreVerifier(verifying.Sigstore{
		Identity: "alice@example.com", OIDCIssuer: "https://accounts.google.com",
		TrustConfig: "trusted_root.json",
	})
	if err := config.Err(); err != nil {
		log.Fatal(err)
	}
}

func Example_sigstoreProxy() {
	config := verifying.Config().UseSigstoreVerifier(verifying.Sigstore{
		Identity: "alice@example.com", OIDCIssuer: "https://accounts.google.com",
		Proxy:    http.ProxyFromEnvironment,
		TUFCache: "/var/cache/hub/tuf",
	})
	if err := config.Err(); err != nil {
		log.Fatal(err)
	}
}

func Example_certificateSign() {
	err := signing.Config().
		UseCertificateSigner(signing.Certificate{
			PrivateKey:         "signer.key",
			SigningCertificate: "signer.pem",
			CertificateChain:   []string{"issuing.pem"},
		}).
		SetTimestampAuthority(signing.TimestampAuthority{URL: "https://timestamp.example.com"}).
		Sign("finbert", "finbert.sig")
	if err != nil {
		log.Fatal(err)
	}
}

func Example_certificateVerify() {
	result, err := verifying.Config().
		UseCertificateVerifier(verifying.Certificate{
			CertificateChain:    []string{"root.pem"},
			TSACertificateChain: []string{"tsa.pem"},
			Expected:            verifying.ExpectedIdentity{Email: "models@example.com"},
		}).
		Verify("finbert", "finbert.sig")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Signer.Subject)
}

func Example_pkcs11() {
	err := signing.Config().
		UsePKCS11Signer(signing.PKCS11{
			URI: "pkcs11:token=release;object=finbert?module-name=softhsm2&pin-source=/etc/release.pin",
		}).
		Sign("finbert", "finbert.sig")
	if err != nil {
		log.Fatal(err)
	}
}
