//go:build !nosigstore

package verifying_test

import (
	"crypto/elliptic"
	"errors"
	"path/filepath"
	"testing"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/verifying"
)

// Bundles that no file holds, since they would not be read, come from whoever makes them in memory, or decodes a document
// that lacks one.
func TestIncomplete(t *testing.T) {
	dir := filepath.Join("..", "internal", "sigstore", "testdata")
	whole, err := bundle.ReadFile(filepath.Join(dir, "rekor-v2.sig"))
	if err != nil {
		t.Fatal(err)
	}
	if err := whole.Validate(); err != nil {
		t.Fatal(err)
	}
	statement, sig, m := whole.UnverifiedStatement(), whole.Signature(), whole.Proto().GetVerificationMaterial()
	material := func(change func(*protobundle.VerificationMaterial)) *bundle.Bundle {
		part := &protobundle.VerificationMaterial{
			Content: m.GetContent(), TlogEntries: m.GetTlogEntries(), TimestampVerificationData: m.GetTimestampVerificationData(),
		}
		change(part)
		return bundle.New(statement, sig, part)
	}
	envelope := func(signatures ...*protodsse.Signature) *bundle.Bundle {
		b := bundle.New(statement, sig, m)
		b.Proto().Content = &protobundle.Bundle_DsseEnvelope{DsseEnvelope: &protodsse.Envelope{
			Payload: statement, PayloadType: bundle.PayloadType, Signatures: signatures,
		}}
		return b
	}
	noEnvelope := bundle.New(statement, sig, m)
	noEnvelope.Proto().Content = nil
	unknown := bundle.New(statement, sig, m)
	unknown.Proto().MediaType = ""
	configs := map[string]verifying.Configuration{
		"key": verifier(newKey(t, elliptic.P256())),
		"sigstore": verifying.Config().UseSigstoreVerifier(verifying.Sigstore{
			TrustConfig: filepath.Join(dir, "rekor-v2.root.json"),
			Identities:  []verifying.SigstoreIdentity{{SubjectRegexp: ".*", IssuerRegexp: ".*"}},
		}),
	}
	configs["any"] = verifying.Config().UseAny(configs["key"], configs["sigstore"])
	for name, b := range map[string]*bundle.Bundle{
		"nil":           nil,
		"zero":          new(bundle.Bundle),
		"no material":   bundle.New(statement, sig, nil),
		"no statement":  bundle.New(nil, sig, m),
		"no bytes":      bundle.New(statement, nil, m),
		"long":          bundle.New(statement, make([]byte, 4<<10+1), m),
		"no hint":       bundle.NewKey(statement, sig, ""),
		"no chain":      bundle.NewCertificate(statement, sig, nil),
		"no signature":  envelope(),
		"nil signature": envelope(nil),
		"no envelope":   noEnvelope,
		"media type":    unknown,
		"no key":        material(func(m *protobundle.VerificationMaterial) { m.Content = nil }),
		"typed nil key": material(func(m *protobundle.VerificationMaterial) {
			m.Content = (*protobundle.VerificationMaterial_PublicKey)(nil)
		}),
		"typed nil chain": material(func(m *protobundle.VerificationMaterial) {
			m.Content = (*protobundle.VerificationMaterial_X509CertificateChain)(nil)
		}),
		"typed nil certificate": material(func(m *protobundle.VerificationMaterial) {
			m.Content = (*protobundle.VerificationMaterial_Certificate)(nil)
		}),
		"nil certificate": material(func(m *protobundle.VerificationMaterial) {
			m.Content = &protobundle.VerificationMaterial_Certificate{}
		}),
		"empty certificate": material(func(m *protobundle.VerificationMaterial) {
			m.Content = &protobundle.VerificationMaterial_Certificate{Certificate: &protocommon.X509Certificate{}}
		}),
		"nil chain": material(func(m *protobundle.VerificationMaterial) {
			m.Content = &protobundle.VerificationMaterial_X509CertificateChain{}
		}),
		"no entries": material(func(m *protobundle.VerificationMaterial) { m.TlogEntries = nil }),
		"nil timestamp": material(func(m *protobundle.VerificationMaterial) {
			m.TimestampVerificationData = &protobundle.TimestampVerificationData{
				Rfc3161Timestamps: []*protocommon.RFC3161SignedTimestamp{nil},
			}
		}),
	} {
		for method, config := range configs {
			_, err := config.Open(t.Context(), b)
			malformed := b == nil || b.Proto() == nil || b.Method() == bundle.Sigstore && method != "key"
			if err == nil || errors.Is(err, bundle.ErrMalformed) != malformed {
				t.Errorf("%s: verifying %s: %v", name, method, err)
			}
		}
		if err := b.Validate(); !errors.Is(err, bundle.ErrMalformed) {
			t.Errorf("%s: Validate: %v", name, err)
		}
		if b == nil {
			continue
		}
		if data, err := b.MarshalJSON(); err == nil {
			t.Errorf("%s: written as %s", name, data)
		}
		b.Certificates() // does not panic
		if _, err := b.AddTimestamp([]byte{1}); !errors.Is(err, bundle.ErrMalformed) {
			t.Errorf("%s: AddTimestamp: %v", name, err)
		}
	}
	longest := bundle.New(statement, make([]byte, 4<<10), m)
	if _, err := bundle.Parse(must(longest.MarshalJSON())); err != nil || longest.Validate() != nil {
		t.Errorf("the longest signature: %v, %v", err, longest.Validate())
	}
	// What the log's entries hold is for the verifier to say.
	for name, entry := range map[string]*protorekor.TransparencyLogEntry{"nil": nil, "empty": {}} {
		b := material(func(m *protobundle.VerificationMaterial) { m.TlogEntries = []*protorekor.TransparencyLogEntry{entry} })
		for method, config := range configs {
			if r, err := config.Open(t.Context(), b); err == nil {
				t.Errorf("%s entry: %s verified %+v", name, method, r)
			}
		}
	}
}
