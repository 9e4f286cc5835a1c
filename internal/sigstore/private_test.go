//go:build !nosigstore

package sigstore_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/sigstore"
)

// In testdata are a signature of a workflow by each generation of Rekor, and the trusted root of the instance
// that made it, which was one of internal/e2e's. They hold without it, and for good.
var workflow = sigstore.Identity{
	Subject:      "https://github.com/example/model/.github/workflows/sign.yml@refs/heads/main",
	IssuerRegexp: `http://127\.0\.0\.1:\d+/actions`,
}

func private(t testing.TB, name string, id sigstore.Identity) (*sigstore.Verifier, *bundle.Bundle) {
	t.Helper()
	v, err := sigstore.NewVerifier(sigstore.Trust{JSON: read(t, filepath.Join("testdata", name+".root.json"))}, policy(id))
	if err != nil {
		t.Fatal(err)
	}
	b, err := bundle.ReadFile(filepath.Join("testdata", name+".sig"))
	if err != nil {
		t.Fatal(err)
	}
	return v, b
}

func TestWorkflow(t *testing.T) {
	for _, name := range []string{"rekor-v1", "rekor-v2"} {
		id := workflow
		id.Extensions.SourceRepositoryURI = "https://github.com/example/model"
		v, b := private(t, name, id)
		got, err := v.Verify(t.Context(), b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got.Subject != workflow.Subject || got.Extensions.SourceRepositoryRef != "refs/heads/main" {
			t.Errorf("%s: verified %+v", name, got)
		}
		id.Extensions.BuildTrigger = "pull_request"
		v, b = private(t, name, id)
		if _, err := v.Verify(t.Context(), b); !errors.Is(err, sigstore.ErrIdentity) {
			t.Errorf("%s: of a pull request: %v", name, err)
		}
	}
}

// Whatever is in place of the parts of a good bundle, verifying does not panic, and what verifies is what was
// signed.
func FuzzVerify(f *testing.F) {
	v1, b1 := private(f, "rekor-v1", workflow)
	v2, b2 := private(f, "rekor-v2", workflow)
	for i, b := range []*bundle.Bundle{b1, b2} {
		p := b.Proto()
		m := p.VerificationMaterial
		e := m.TlogEntries[0]
		var stamp []byte
		if stamps := m.GetTimestampVerificationData().GetRfc3161Timestamps(); len(stamps) > 0 {
			stamp = stamps[0].SignedTimestamp
		}
		f.Add(i == 0, b.UnverifiedStatement(), b.Signature(), m.GetCertificate().RawBytes, e.CanonicalizedBody,
			e.GetInclusionPromise().GetSignedEntryTimestamp(), e.InclusionProof.Checkpoint.Envelope,
			e.InclusionProof.LogIndex, e.InclusionProof.TreeSize, e.IntegratedTime, stamp)
	}
	f.Fuzz(func(t *testing.T, first bool, statement, sig, cert, body, promise []byte, checkpoint string, index, size, at int64, stamp []byte) {
		v, good := v2, b2
		if first {
			v, good = v1, b1
		}
		p := proto.CloneOf(good.Proto())
		m := p.VerificationMaterial
		m.GetCertificate().RawBytes = cert
		e := m.TlogEntries[0]
		e.CanonicalizedBody, e.IntegratedTime = body, at
		if e.InclusionPromise != nil {
			e.InclusionPromise.SignedEntryTimestamp = promise
		}
		e.InclusionProof.Checkpoint.Envelope = checkpoint
		e.InclusionProof.LogIndex, e.InclusionProof.TreeSize = index, size
		if stamps := m.GetTimestampVerificationData().GetRfc3161Timestamps(); len(stamps) > 0 {
			stamps[0].SignedTimestamp = stamp
		}
		got, err := v.Verify(t.Context(), bundle.New(statement, sig, m))
		if err == nil && !bytes.Equal(got.Statement, good.UnverifiedStatement()) {
			t.Errorf("verified %q", got.Statement)
		}
	})
}
