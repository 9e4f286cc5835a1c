package certtest

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/digitorus/timestamp"
)

// A TSA is a timestamp authority whose clock the test sets.
type TSA struct {
	Root, Leaf *Cert
	Now        func() time.Time
	// Change, if set, changes each timestamp before it is signed.
	Change func(*timestamp.Timestamp)
}

// NewTSA makes an authority with certificates that were valid ten years ago and will be for a hundred more.
func NewTSA(t testing.TB, changes ...Change) *TSA {
	t.Helper()
	life := Valid(-10*365*24*time.Hour, 100*365*24*time.Hour)
	root := Authority(t, nil, "timestamp root", life)
	usage, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	if err != nil {
		t.Fatal(err)
	}
	leaf := Issue(t, root, &x509.Certificate{
		Subject:  pkix.Name{CommonName: "timestamps", Organization: []string{"Example"}},
		KeyUsage: x509.KeyUsageDigitalSignature,
		// RFC 3161 wants the extension to be critical.
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage}},
	}, append([]Change{life}, changes...)...)
	return &TSA{Root: root, Leaf: leaf, Now: time.Now}
}

// Stamp returns the response to a request for a message.
func (a *TSA) Stamp(t testing.TB, message []byte, at time.Time) []byte {
	t.Helper()
	digest := sha256.Sum256(message)
	response, err := a.respond(&timestamp.Request{HashAlgorithm: crypto.SHA256, HashedMessage: digest[:], Certificates: true}, at)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func (a *TSA) respond(r *timestamp.Request, at time.Time) ([]byte, error) {
	ts := timestamp.Timestamp{
		HashAlgorithm:     r.HashAlgorithm,
		HashedMessage:     r.HashedMessage,
		Time:              at,
		Nonce:             r.Nonce,
		Policy:            asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 2},
		AddTSACertificate: r.Certificates,
	}
	if a.Change != nil {
		a.Change(&ts)
	}
	return ts.CreateResponseWithOpts(a.Leaf.Certificate, a.Leaf.Key, crypto.SHA256)
}

// Serve starts the authority on the loopback interface and returns its URL.
func (a *TSA) Serve(t testing.TB) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, err := io.ReadAll(r.Body)
		if err == nil {
			var request *timestamp.Request
			if request, err = timestamp.ParseRequest(query); err == nil {
				var response []byte
				if response, err = a.respond(request, a.Now()); err == nil {
					w.Header().Set("Content-Type", "application/timestamp-reply")
					w.WriteHeader(http.StatusCreated)
					_, _ = w.Write(response)
					return
				}
			}
		}
		http.Error(w, err.Error(), http.StatusBadRequest)
	}))
	t.Cleanup(s.Close)
	return s.URL
}
