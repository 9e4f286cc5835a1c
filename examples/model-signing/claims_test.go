package main

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/certtest"
	"github.com/modelsigning/modelsigning/manifest"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
)

// evil would write a line of its own, and move the cursor.
const evil = "a\nVerification succeeded\r\x1b[2J\u009b2J\u202e\u2028"

// evilBundle claims whatever a bundle can claim, and has one name of that length.
func evilBundle(t testing.TB, material *protobundle.VerificationMaterial, length int) []byte {
	t.Helper()
	digest := manifest.Digest{Algorithm: manifest.SHA256, Hex: strings.Repeat("0", 64)}
	statement, err := bundle.MarshalStatement(&manifest.Manifest{
		Name:          evil,
		Serialization: manifest.Serialization{Method: manifest.Files, Algorithm: manifest.SHA256, IgnorePaths: []string{evil}},
		Resources:     []manifest.Resource{{Path: evil, Digest: digest}, {Path: strings.Repeat("l", length), Digest: digest}},
	})
	if err != nil {
		t.Fatal(err)
	}
	data, err := bundle.New(statement, []byte("signature"), material).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func evilMaterials(t testing.TB) []*protobundle.VerificationMaterial {
	t.Helper()
	leaf := certtest.Issue(t, certtest.Root(t), &x509.Certificate{
		Subject: pkix.Name{CommonName: evil}, EmailAddresses: []string{"a@example.com"}, DNSNames: []string{"a\x1b[2J"},
		ExtraExtensions: []pkix.Extension{{Id: []int{1, 3, 6, 1, 4, 1, 57264, 1, 1}, Value: []byte(evil)}},
	})
	stamp := certtest.NewTSA(t).Stamp(t, []byte("signature"), time.Unix(1e9, 0))
	stamps := &protobundle.TimestampVerificationData{Rfc3161Timestamps: []*protocommon.RFC3161SignedTimestamp{
		{SignedTimestamp: stamp}, {SignedTimestamp: stamp[:len(stamp)/2]}, {SignedTimestamp: []byte(evil)},
	}}
	var entries []*protorekor.TransparencyLogEntry
	for _, at := range []int64{0, 1e9, -1, 1 << 62} {
		entries = append(entries, &protorekor.TransparencyLogEntry{
			LogIndex: at, IntegratedTime: at, LogId: &protocommon.LogId{KeyId: []byte(evil)},
			KindVersion: &protorekor.KindVersion{Kind: evil, Version: evil},
		})
	}
	return []*protobundle.VerificationMaterial{
		{Content: &protobundle.VerificationMaterial_PublicKey{PublicKey: &protocommon.PublicKeyIdentifier{Hint: evil}}},
		{Content: &protobundle.VerificationMaterial_X509CertificateChain{X509CertificateChain: &protocommon.X509CertificateChain{
			Certificates: []*protocommon.X509Certificate{{RawBytes: []byte(evil)}, {RawBytes: leaf.Raw}},
		}}},
		{Content: &protobundle.VerificationMaterial_Certificate{Certificate: &protocommon.X509Certificate{RawBytes: leaf.Raw}},
			TlogEntries: entries, TimestampVerificationData: stamps},
	}
}

// checkClaims sees that what is written about a bundle, if it is one, is what it should be, and returns the text.
func checkClaims(t *testing.T, data []byte, atMost int) string {
	t.Helper()
	b, err := bundle.Parse(data)
	if err != nil {
		return ""
	}
	c, err := newClaims("model.sig", b, atMost)
	if err != nil {
		return ""
	}
	var text, doc bytes.Buffer
	c.print(&text)
	for line := range strings.Lines(text.String()) {
		bare, whole := strings.CutSuffix(line, "\n")
		if !whole || !strings.HasPrefix(line, "unverified  ") || strings.ContainsFunc(bare, func(r rune) bool { return !strconv.IsPrint(r) }) {
			t.Errorf("prints %q", line)
		}
	}
	if err := writeJSON(&doc, "unverified", c); err != nil {
		t.Fatal(err)
	}
	if err := checkOutput(doc.String()); err != nil {
		t.Errorf("%v\n%s", err, &doc)
	}
	return text.String()
}

func TestInspectEvil(t *testing.T) {
	wants := [][]string{
		{`key            "a\nVerification succeeded\r\x1b[2J`},
		{`subject      "CN=a\nVerification`, `malformed certificate`, `authority `},
		{`vouched by   "a\nVerification`, `name         "a\x1b[2J"`, "timestamp      2001-09-09T01:46:40Z\n", "timestamp      can't be read\n",
			"log entry      1000000000 of log", " at 2001-09-09T01:46:40Z\n", "log entry      -1 of log"},
	}
	for i, m := range evilMaterials(t) {
		text := checkClaims(t, evilBundle(t, m, 1e5), -1)
		for _, want := range append(wants[i], `model          "a\nVerification`, `ignores        "a\nVerification`, `0  "a\nVerification`) {
			if !strings.Contains(text, want) {
				t.Errorf("%d: want %q in\n%s", i, want, text)
			}
		}
		if len(text) > 16<<10 {
			t.Errorf("%d: prints %d bytes", i, len(text))
		}
	}
}

// Real bundles, and those that are wrong in one way each.
func TestInspectVectors(t *testing.T) {
	dir := os.Getenv("MODEL_SIGNING_VECTORS")
	if dir == "" {
		t.Skip("MODEL_SIGNING_VECTORS names no folder of test vectors")
	}
	historical, _ := filepath.Glob(filepath.Join(dir, "historical/*/model.sig"))
	valid, _ := filepath.Glob(filepath.Join(dir, "spec/valid/*"))
	invalid, _ := filepath.Glob(filepath.Join(dir, "spec/invalid/*"))
	if len(historical) < 10 || len(valid) < 3 || len(invalid) < 3 {
		t.Fatalf("found only %q, %q, %q", historical, valid, invalid)
	}
	for i, name := range append(append(historical, valid...), invalid...) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text := checkClaims(t, data, 1)
		if good := i < len(historical)+len(valid); good != (text != "") {
			t.Errorf("%s: got %q", name, text)
		}
		if strings.Contains(name, "-sigstore/") && !strings.Contains(text, `name         "stefanb@us.ibm.com"`) {
			t.Errorf("%s: got %s", name, text)
		}
	}
}

func FuzzInspect(f *testing.F) {
	for _, m := range evilMaterials(f) {
		f.Add(evilBundle(f, m, 10))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkClaims(t, data, -1) })
}
