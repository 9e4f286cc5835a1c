//go:build !nosigstore

package sigstore_test

import (
	"bytes"
	"context"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"google.golang.org/protobuf/proto"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/certtest"
	"github.com/modelsigning/modelsigning/internal/sigstore"
)

// badInstance is one whose servers answer what a test says.
type badInstance struct {
	fulcio, tsa, rekor http.HandlerFunc
	rekorVersion       int
}

// sign has it sign, and returns the error.
func (i badInstance) sign(t *testing.T, ctx context.Context) error {
	t.Helper()
	serve := func(h http.HandlerFunc) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL
	}
	service := func(url string, version int) []map[string]any {
		return []map[string]any{{
			"url": url, "majorApiVersion": version, "operator": "test",
			"validFor": map[string]string{"start": "2020-01-01T00:00:00Z"},
		}}
	}
	signing := map[string]any{
		"mediaType":       "application/vnd.dev.sigstore.signingconfig.v0.2+json",
		"caUrls":          service(serve(i.fulcio), 1),
		"rekorTlogUrls":   service(serve(i.rekor), max(i.rekorVersion, 1)),
		"rekorTlogConfig": map[string]string{"selector": "ANY"},
		"tsaConfig":       map[string]string{"selector": "ANY"},
	}
	if i.tsa != nil {
		signing["tsaUrls"] = service(serve(i.tsa), 1)
	}
	config, err := json.Marshal(map[string]any{
		"mediaType":     "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
		"trustedRoot":   json.RawMessage(read(t, filepath.Join("testdata", "rekor-v2.root.json"))),
		"signingConfig": signing,
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := sigstore.NewSigner(sigstore.SignerOptions{
		Trust: sigstore.Trust{JSON: config},
		Token: func(context.Context, string) (string, error) { return token, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Sign(ctx, []byte("{}"))
	if err == nil {
		t.Fatal("signed")
	}
	return err
}

var token = "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString(
	[]byte(`{"iss":"https://i","aud":"sigstore","sub":"me","email":"a@b.c","email_verified":true,"exp":1}`)) + ".c2lnbmF0dXJlLXNlY3JldA"

// certify answers as Fulcio does, with a certificate that nobody trusts.
func certify(t *testing.T) http.HandlerFunc {
	leaf := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certtest.Leaf(t, nil).Raw})
	return func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{
			"signedCertificateEmbeddedSct": map[string]any{"chain": map[string]any{"certificates": []string{string(leaf)}}},
		})
	}
}

// flood answers with far more than anybody has to say, and counts how much of it was read. The handler may still run
// when the client has had enough.
func flood(status int, sent *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, `{"x":{"body":"`)
		chunk := bytes.Repeat([]byte("A"), 1<<20)
		for range 64 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
			sent.Add(1)
		}
		fmt.Fprint(w, `"}}`)
	}
}

func der(t *testing.T, v asn1.RawValue) []byte {
	t.Helper()
	data, err := asn1.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// nested is a timestamp of about n bytes of sequences in sequences, which the parser of PKCS #7 copies at each level.
func nested(t *testing.T, n int) []byte {
	t.Helper()
	var inner []byte
	for len(inner) < n {
		inner = der(t, asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: inner})
	}
	signedData, err := asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2})
	if err != nil {
		t.Fatal(err)
	}
	content := der(t, asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: inner})
	info := der(t, asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: append(signedData, content...)})
	granted := []byte{0x30, 3, 2, 1, 0}
	return der(t, asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: append(granted, info...)})
}

func withStamps(b *bundle.Bundle, stamps ...[]byte) *bundle.Bundle {
	p := proto.CloneOf(b.Proto())
	var all []*protocommon.RFC3161SignedTimestamp
	for _, s := range stamps {
		all = append(all, &protocommon.RFC3161SignedTimestamp{SignedTimestamp: s})
	}
	p.VerificationMaterial.TimestampVerificationData = &protobundle.TimestampVerificationData{Rfc3161Timestamps: all}
	return bundle.New(b.UnverifiedStatement(), b.Signature(), p.VerificationMaterial)
}

// Timestamps are refused before the seconds are spent that parsing them would take.
func TestNestedTimestamp(t *testing.T) {
	v, b := private(t, "rekor-v2", workflow)
	b = withStamps(b, nested(t, 60000))
	_, err := v.Verify(t.Context(), b)
	if !errors.Is(err, sigstore.ErrTime) || !strings.Contains(err.Error(), "nested deeper") { // the parser would not say so
		t.Errorf("got %v", err)
	}
}

// A timestamp that proves nothing is refused where the log proves the time, too.
func TestNeedlessTimestamp(t *testing.T) {
	v1, inLog := private(t, "rekor-v1", workflow)
	if _, err := v1.Verify(t.Context(), inLog); err != nil {
		t.Fatal(err)
	}
	foreign := certtest.NewTSA(t)
	for name, stamp := range map[string][]byte{
		"garbage":            []byte("garbage"),
		"no timestamp":       {0x30, 5, 0x30, 3, 2, 1, 2},
		"of no trusted one":  foreign.Stamp(t, inLog.Signature(), time.Now()),
		"over another thing": foreign.Stamp(t, []byte("another thing"), time.Now()),
	} {
		if _, err := v1.Verify(t.Context(), withStamps(inLog, stamp)); !errors.Is(err, sigstore.ErrTime) {
			t.Errorf("%s: got error %v", name, err)
		}
	}
	v2, stamped := private(t, "rekor-v2", workflow)
	good := stamped.Timestamps()[0]
	if _, err := v2.Verify(t.Context(), withStamps(stamped, good, foreign.Stamp(t, stamped.Signature(), time.Now()))); !errors.Is(err, sigstore.ErrTime) {
		t.Errorf("beside a good one: got error %v", err)
	}
}

func TestSignBadTimestampAuthority(t *testing.T) {
	deep := nested(t, 60000)
	for name, test := range map[string]struct {
		answer []byte
		want   string
	}{
		"nested": {deep, "nested deeper"},
		"long":   {make([]byte, 64<<10+1), "more than 65536 bytes"},
	} {
		start := time.Now()
		err := badInstance{
			fulcio: certify(t),
			tsa:    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated); w.Write(test.answer) },
			rekor:  func(http.ResponseWriter, *http.Request) { t.Error("the log was asked, too") },
		}.sign(t, t.Context())
		named := new(sigstore.ServiceError)
		if !errors.As(err, &named) || named.Service != "timestamp authority" || !strings.Contains(err.Error(), test.want) || time.Since(start) > 10*time.Second {
			t.Errorf("%s: after %v: %v", name, time.Since(start), err)
		}
	}
}

// No server makes a signer read, or show, more than it has to.
func TestSignFlood(t *testing.T) {
	for name, i := range map[string]struct {
		instance badInstance
		ca       bool // it is Fulcio that floods, not Rekor
		status   int
	}{
		"Fulcio":           {ca: true, status: http.StatusOK},
		"Fulcio's refusal": {ca: true, status: http.StatusBadRequest},
		"Rekor v1":         {instance: badInstance{rekorVersion: 1}, status: http.StatusCreated},
		"Rekor v1 refusal": {instance: badInstance{rekorVersion: 1}, status: http.StatusBadRequest},
		"Rekor v2":         {instance: badInstance{rekorVersion: 2}, status: http.StatusCreated},
	} {
		var sent atomic.Int64 // MiB
		i.instance.fulcio, i.instance.rekor = certify(t), flood(i.status, &sent)
		if i.ca {
			i.instance.fulcio = i.instance.rekor
		}
		err := i.instance.sign(t, t.Context())
		named := new(sigstore.ServiceError)
		if !errors.As(err, &named) || !strings.HasPrefix(name, named.Service) || len(err.Error()) > 2000 {
			t.Errorf("%s: got error %.300v", name, err)
		}
		if sent.Load() == 64 {
			t.Errorf("%s: everything was read", name)
		}
	}
}

func TestServiceErrorShowsNoSecret(t *testing.T) {
	v, err := sigstore.NewVerifier(sigstore.Trust{
		Mirror: "http://user:s3cretpw@127.0.0.1:1/tuf?key=s3cret", MirrorRoot: tufRoot, CacheDir: t.TempDir(),
	}, policy(workflow))
	if err != nil {
		t.Fatal(err)
	}
	_, b := private(t, "rekor-v1", workflow)
	if _, err = v.Verify(t.Context(), b); err == nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%v %#v", err, err); strings.Contains(text, "s3cret") || strings.Contains(text, "user:") {
		t.Error(text)
	}
}

func TestMessages(t *testing.T) {
	v, b := private(t, "rekor-v2", workflow)
	_, err := v.Verify(t.Context(), withStamps(b))
	if !errors.Is(err, sigstore.ErrTime) || !strings.Contains(err.Error(), "has no timestamp") || strings.Contains(err.Error(), "nil") {
		t.Errorf("without a timestamp: %v", err)
	}
	_, other := private(t, "rekor-v1", workflow)
	if _, err = v.Verify(t.Context(), other); !errors.Is(err, sigstore.ErrLog) || !strings.Contains(err.Error(), "no entry is of a log that the trusted root has") {
		t.Errorf("of another instance: %v", err)
	}
	name := filepath.Join("testdata", "rekor-v2.sig") // is no trusted root
	trust, err := sigstore.Trust{}.ReadFiles(name, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sigstore.NewVerifier(trust, policy(workflow)); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("the file is not named: %v", err)
	}
}

// A server that says the token again, in whatever encoding, does not bring it into an error.
func TestTokenNotRepeated(t *testing.T) {
	payload := strings.Split(token, ".")[1]
	for name, said := range map[string]string{
		"as it is": token,
		"base64":   base64.StdEncoding.EncodeToString([]byte(token)),
		"hex":      hex.EncodeToString([]byte(token)),
		"escaped":  strings.ReplaceAll(hex.EncodeToString([]byte(token)), "6", "%36"),
		"in part":  payload[:40],
	} {
		err := badInstance{fulcio: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, "cannot read %s", said)
		}}.sign(t, t.Context())
		text := err.Error()
		if !strings.Contains(text, "cannot read") || strings.Contains(text, said[:20]) || strings.Contains(text, said[len(said)-20:]) {
			t.Errorf("%s: %s", name, text)
		}
	}
}
