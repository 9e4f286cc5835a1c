package verifying_test

import (
	"bytes"
	"crypto/elliptic"
	"encoding/asn1"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/internal/certtest"
	"github.com/modelsigning/modelsigning/verifying"
)

// signedData is section 5.1 of RFC 5652.
type signedData struct {
	Version                    int
	Algorithms, Content, Certs asn1.RawValue
	Signers                    []asn1.RawValue `asn1:"set"`
}

// retoken changes the token in a response.
func retoken(t *testing.T, response []byte, change func(*signedData)) []byte {
	t.Helper()
	var r struct {
		Status asn1.RawValue
		Token  struct {
			Type    asn1.ObjectIdentifier
			Content asn1.RawValue
		}
	}
	var data signedData
	if _, err := asn1.Unmarshal(response, &r); err != nil {
		t.Fatal(err)
	}
	if _, err := asn1.Unmarshal(r.Token.Content.Bytes, &data); err != nil {
		t.Fatal(err)
	}
	change(&data)
	r.Token.Content = asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: must(asn1.Marshal(data))}
	return must(asn1.Marshal(r))
}

// Whoever sends a bundle does not choose how many signatures of a timestamp are checked before anything is known of them.
func TestTimestampCost(t *testing.T) {
	key, tsa := newKey(t, elliptic.P256()), certtest.NewTSA(t)
	config := verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{
		Key: key.Public(), TSACertificateChain: []string{certtest.Files(t, tsa.Root)},
	})
	b := sign(t, key, []byte(`{}`))
	good := tsa.Stamp(t, b.Signature(), time.Now())
	for name, c := range map[string]struct {
		response []byte
		want     refusal
	}{
		"unchanged": {retoken(t, good, func(*signedData) {}), refusal{}},
		"no signature": {retoken(t, good, func(d *signedData) { d.Signers = nil }),
			refusal{verifying.ErrTimestamp, "timestamp has 0 signatures, not one"}},
		"three signatures": {retoken(t, good, func(d *signedData) { d.Signers = append(d.Signers, d.Signers[0], d.Signers[0]) }),
			refusal{verifying.ErrTimestamp, "timestamp has 3 signatures, not one"}},
		"many certificates": {retoken(t, good, func(d *signedData) { d.Certs.FullBytes, d.Certs.Bytes = nil, bytes.Repeat(d.Certs.Bytes, 17) }),
			refusal{verifying.ErrTimestamp, "certificates, more than the limit of 16"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := config.OpenStatement(t.Context(), stamped(t, b, c.response))
			c.want.check(t, err)
		})
	}
}
