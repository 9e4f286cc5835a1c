package verifying_test

import (
	"bytes"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/verifying"
)

// What a log says of a signer is what people ask for, not the coordinates of the key.
func TestLogIdentity(t *testing.T) {
	id := verifying.Identity{
		Method: bundle.Sigstore, Subject: "alice@example.com\nmethod=key", Issuer: "https://issuer.example.com",
		PublicKey: newKey(t, elliptic.P256()).Public(), Certificates: []*x509.Certificate{{Raw: []byte("der")}},
		Time: time.Unix(1e9, 0), TimeSource: "log",
	}
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("verified", "signer", id)
	var line struct{ Signer map[string]string }
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"method": "sigstore", "subject": id.Subject, "issuer": id.Issuer, "time": "2001-09-09T01:46:40Z", "time_source": "log",
		"certificate": "5050d80d22ecd471ea55df7034042c1e041341ff4066e7f6ff38e20b720df8ea",
	}
	if fmt.Sprint(line.Signer) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", line.Signer, want)
	}
	if text := fmt.Sprint(id); strings.Contains(text, "\n") || !strings.HasPrefix(text, `method="sigstore" subject="alice@example.com\nmethod=key"`) {
		t.Errorf("got %s", text)
	}
	if text := fmt.Sprint(verifying.Identity{Method: bundle.Key, Subject: "d620"}); text != `method="key" subject="d620"` {
		t.Errorf("got %s", text)
	}
}
