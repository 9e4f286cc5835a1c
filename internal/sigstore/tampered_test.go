//go:build !nosigstore

package sigstore_test

import (
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"google.golang.org/protobuf/proto"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/sigstore"
)

// Each change is one thing that somebody could do to a good bundle.
func TestTampered(t *testing.T) {
	names := historical(t)
	good, err := bundle.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	otherBundle, err := bundle.ReadFile(names[3])
	if err != nil {
		t.Fatal(err)
	}
	other := otherBundle.Proto()
	v, err := sigstore.NewVerifier(publicGood(t), policy(signer))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(p *protobundle.Bundle)
		want   error
	}{
		"nothing":       {func(*protobundle.Bundle) {}, nil},
		"payload":       {func(p *protobundle.Bundle) { p.GetDsseEnvelope().Payload[100] ^= 1 }, sigstore.ErrSignature},
		"other payload": {func(p *protobundle.Bundle) { p.GetDsseEnvelope().Payload = other.GetDsseEnvelope().Payload }, sigstore.ErrSignature},
		"payload type":  {func(p *protobundle.Bundle) { p.GetDsseEnvelope().PayloadType = "text/plain" }, sigstore.ErrSignature},
		"signature":     {func(p *protobundle.Bundle) { p.GetDsseEnvelope().Signatures[0].Sig[20] ^= 1 }, sigstore.ErrSignature},
		"certificate": {func(p *protobundle.Bundle) {
			p.VerificationMaterial.Content = other.VerificationMaterial.Content
		}, sigstore.ErrSignature},
		"certificate garbled": {func(p *protobundle.Bundle) {
			p.VerificationMaterial.GetCertificate().RawBytes[0] ^= 1
		}, bundle.ErrMalformed},
		"key in its place": {func(p *protobundle.Bundle) {
			p.VerificationMaterial.Content = &protobundle.VerificationMaterial_PublicKey{
				PublicKey: &protocommon.PublicKeyIdentifier{Hint: "hint"},
			}
		}, sigstore.ErrCertificate},
		"no entry": {func(p *protobundle.Bundle) { p.VerificationMaterial.TlogEntries = nil }, sigstore.ErrLog},
		"entry of another": {func(p *protobundle.Bundle) {
			p.VerificationMaterial.TlogEntries = other.VerificationMaterial.TlogEntries
		}, sigstore.ErrLog},
		"entry twice": {func(p *protobundle.Bundle) {
			e := p.VerificationMaterial.TlogEntries
			p.VerificationMaterial.TlogEntries = append(e, e[0])
		}, sigstore.ErrLog},
		"unknown log": {func(p *protobundle.Bundle) {
			p.VerificationMaterial.TlogEntries[0].LogId.KeyId[0] ^= 1
		}, sigstore.ErrLog},
		"entry's promise": {func(p *protobundle.Bundle) {
			p.VerificationMaterial.TlogEntries[0].InclusionPromise.SignedEntryTimestamp[20] ^= 1
		}, sigstore.ErrLog},
		"entry's time": {func(p *protobundle.Bundle) { p.VerificationMaterial.TlogEntries[0].IntegratedTime++ }, sigstore.ErrLog},
		"entry's proof": {func(p *protobundle.Bundle) {
			p.VerificationMaterial.TlogEntries[0].InclusionProof.Hashes[0][0] ^= 1
		}, sigstore.ErrLog},
		"no promise": {func(p *protobundle.Bundle) {
			p.VerificationMaterial.TlogEntries[0].InclusionPromise = nil
		}, sigstore.ErrTime}, // the entry stands, and nothing signs when it was made
		"no proof": {func(p *protobundle.Bundle) {
			p.VerificationMaterial.TlogEntries[0].InclusionProof = nil
		}, bundle.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			p := proto.CloneOf(good.Proto())
			test.change(p)
			e := p.GetDsseEnvelope()
			b := bundle.New(e.Payload, e.Signatures[0].Sig, p.VerificationMaterial)
			b.Proto().GetDsseEnvelope().PayloadType = e.PayloadType
			_, err := v.Verify(t.Context(), b)
			if !errors.Is(err, test.want) {
				t.Errorf("got error %v, want %v", err, test.want)
			}
			if err == nil {
				return
			}
			// The trust is to be looked at if it lacks the log, and only then.
			if unknown := strings.Contains(err.Error(), "no entry is of a log"); unknown != (name == "unknown log") {
				t.Errorf("says %q", err)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("says %q on several lines", err)
			}
		})
	}
}

// A server that verifies for long has after it no more goroutines and files than before.
func TestNothingLeft(t *testing.T) {
	var bundles []*bundle.Bundle
	for _, name := range historical(t) {
		b, err := bundle.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		bundles = append(bundles, b)
	}
	url, requests, _ := tufRepository(t, map[string][]byte{"trusted_root.json": publicGood(t).JSON}, time.Hour)
	v, err := sigstore.NewVerifier(sigstore.Trust{Mirror: url, MirrorRoot: tufRoot, CacheDir: t.TempDir()}, policy(signer))
	if err != nil {
		t.Fatal(err)
	}
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	for range 250 {
		for _, b := range bundles {
			if _, err := v.Verify(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := requests.Load(); n > 6 {
		t.Errorf("%d requests for one trusted root", n)
	}
	deadline := time.Now().Add(5 * time.Second) // the server of this test closes its side a moment later
	for runtime.NumGoroutine() > goroutines && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > goroutines {
		t.Errorf("%d goroutines, before %d", n, goroutines)
	}
	if now := openFiles(t); len(now) > len(files) {
		t.Errorf("%d open files, before %d: %q, %q", len(now), len(files), now, files)
	}
}

// openFiles lists the file descriptors where the system has a folder of them.
func openFiles(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		target, err := os.Readlink("/dev/fd/" + e.Name())
		if err == nil && target != "" {
			names = append(names, target)
		}
	}
	slices.Sort(names)
	return names
}

func BenchmarkVerify(b *testing.B) {
	v, err := sigstore.NewVerifier(publicGood(b), policy(signer))
	if err != nil {
		b.Fatal(err)
	}
	signature, err := bundle.ReadFile(historical(b)[0])
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(b.Context(), signature); err != nil {
			b.Fatal(err)
		}
	}
}
