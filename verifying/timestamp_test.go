package verifying_test

import (
	"bytes"
	"context"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/timestamp"
	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/certtest"
	"github.com/modelsigning/modelsigning/verifying"
)

func stamped(t testing.TB, b *bundle.Bundle, responses ...[]byte) *bundle.Bundle {
	t.Helper()
	for _, r := range responses {
		b = must(b.AddTimestamp(r))
	}
	// As a reader gets it.
	return must(bundle.Parse(must(b.MarshalJSON())))
}

// The certificate must be valid when the timestamps say, and every timestamp must verify.
func TestTimestamps(t *testing.T) {
	root := certtest.Root(t, certtest.Valid(-100*time.Hour, 100*time.Hour))
	expired := certtest.Leaf(t, root, certtest.Valid(-3*time.Hour, -time.Hour))
	valid := certtest.Leaf(t, root)
	tsa, other := certtest.NewTSA(t), certtest.NewTSA(t)
	at := time.Now().Add(-2 * time.Hour).Truncate(time.Second)
	old, now := signedBy(t, expired), signedBy(t, valid)
	stamp := func(a *certtest.TSA, b *bundle.Bundle, at time.Time) *bundle.Bundle {
		return stamped(t, b, a.Stamp(t, b.Signature(), at))
	}
	sha1 := certtest.NewTSA(t)
	sha1.Change = func(ts *timestamp.Timestamp) { ts.HashedMessage = ts.HashedMessage[:20] }
	bare := certtest.NewTSA(t)
	bare.Change = func(ts *timestamp.Timestamp) { ts.AddTSACertificate = false }
	shortLived := certtest.NewTSA(t, certtest.Valid(-time.Hour, time.Hour))
	noTSA := certtest.NewTSA(t, certtest.Template(func(c *x509.Certificate) {
		c.ExtraExtensions, c.ExtKeyUsage = nil, []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
	}))
	uncritical := certtest.NewTSA(t, certtest.Template(func(c *x509.Certificate) {
		c.ExtraExtensions, c.ExtKeyUsage = nil, []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}
	}))
	two := must(old.AddTimestamp(tsa.Stamp(t, old.Signature(), at)))
	refused := func(says string) refusal { return refusal{verifying.ErrTimestamp, says} }

	for _, c := range []struct {
		name string
		b    *bundle.Bundle
		tsa  []*certtest.Cert
		want refusal
	}{
		{"in the certificate's life", stamp(tsa, old, at), []*certtest.Cert{tsa.Root}, refusal{}},
		{"with the authority's leaf", stamp(tsa, old, at), []*certtest.Cert{tsa.Leaf, tsa.Root}, refusal{}},
		{"with authorities besides", stamp(tsa, old, at), []*certtest.Cert{other.Leaf, other.Root, tsa.Leaf, tsa.Root}, refusal{}},
		{"valid now, too", stamp(tsa, now, time.Now()), []*certtest.Cert{tsa.Root}, refusal{}},
		{"response without certificate", stamp(bare, old, at), []*certtest.Cert{bare.Leaf, bare.Root}, refusal{}},
		{"response without certificate, nor given", stamp(bare, old, at), []*certtest.Cert{bare.Root}, refused("leaf certificate must be present")},
		{"none", old, []*certtest.Cert{tsa.Root}, refusal{verifying.ErrCertificate, "no timestamp proves that the signature is older"}},
		{"no authority is trusted", stamp(tsa, old, at), nil, refused("give the TSA certificate chain")},
		{"no authority is trusted, valid now", stamp(tsa, now, time.Now()), nil, refused("give the TSA certificate chain")},
		{"another authority", stamp(other, old, at), []*certtest.Cert{tsa.Root}, refused("signed by unknown authority")},
		{"another authority, valid now", stamp(other, now, time.Now()), []*certtest.Cert{tsa.Root}, refused("signed by unknown authority")},
		{"another authority, leaf given", stamp(other, old, at), []*certtest.Cert{tsa.Leaf, tsa.Root}, refused("signed by unknown authority")},
		{"over another signature", stamped(t, old, tsa.Stamp(t, now.Signature(), at)), []*certtest.Cert{tsa.Root}, refused("hashed messages don't match")},
		{"over another signature, valid now", stamped(t, now, tsa.Stamp(t, old.Signature(), at)), []*certtest.Cert{tsa.Root}, refused("hashed messages don't match")},
		{"over the statement", stamped(t, old, tsa.Stamp(t, statement, at)), []*certtest.Cert{tsa.Root}, refused("hashed messages don't match")},
		{"after the certificate's life", stamp(tsa, old, time.Now()), []*certtest.Cert{tsa.Root}, refusal{verifying.ErrCertificate, "and the signature was made on"}},
		{"before the certificate's life", stamp(tsa, old, at.Add(-2*time.Hour)), []*certtest.Cert{tsa.Root}, refusal{verifying.ErrCertificate, "is not valid before"}},
		{"after the authority's life", stamp(shortLived, old, at), []*certtest.Cert{shortLived.Root}, refused("has expired or is not yet valid")},
		{"no timestamp authority", stamp(noTSA, old, at), []*certtest.Cert{noTSA.Root}, refused("incompatible key usage")},
		{"usage not critical", stamp(uncritical, old, at), []*certtest.Cert{uncritical.Root}, refused("EKU to critical")},
		{"wrong length of hash", stamp(sha1, old, at), []*certtest.Cert{sha1.Root}, refused("hashed messages don't match")},
		{"two", stamped(t, two, tsa.Stamp(t, old.Signature(), time.Now())), []*certtest.Cert{tsa.Root}, refusal{}},
		{"a good and a bad one", stamped(t, two, other.Stamp(t, old.Signature(), at)), []*certtest.Cert{tsa.Root}, refused("rfc3161Timestamps[1]")},
		{"garbage", stamped(t, now, []byte("garbage")), []*certtest.Cert{tsa.Root}, refused("")},
		{"refusal of the authority", stamped(t, now, must(timestamp.CreateErrorResponse(timestamp.Rejection, timestamp.BadAlgorithm))), []*certtest.Cert{tsa.Root}, refused("rejected")},
		{"data behind the end", stamped(t, old, append(tsa.Stamp(t, old.Signature(), at), 0)), []*certtest.Cert{tsa.Root}, refused("")},
		{"nested deep", stamped(t, now, deep(10000)), []*certtest.Cert{tsa.Root}, refused("is nested deeper")},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := trusting(t, root)
			if c.tsa != nil {
				o.TSACertificateChain = []string{certtest.Files(t, c.tsa...)}
			}
			r, err := open(t, o, c.b)
			c.want.check(t, err)
			if err != nil && !errors.Is(err, verifying.ErrCertificate) {
				t.Errorf("%v is no %v", err, verifying.ErrCertificate)
			}
			if err == nil && c.name != "valid now, too" && (!r.Signer.Time.Equal(at) || r.Signer.TimeSource != "timestamp of CN=timestamps,O=Example") {
				t.Errorf("signed at %v, proven by %q", r.Signer.Time, r.Signer.TimeSource)
			}
			// No option makes a bad timestamp good.
			o.InsecureAllowExpired = true
			if _, again := open(t, o, c.b); (again == nil) != (err == nil || c.name == "none") {
				t.Errorf("with InsecureAllowExpired: %v", again)
			}
		})
	}
	if err := verifying.Config().UseCertificateVerifier(verifying.Certificate{
		CertificateChain: []string{certtest.Files(t, root)}, TSACertificates: []*x509.Certificate{tsa.Leaf.Certificate},
	}).Err(); err == nil || !strings.Contains(err.Error(), "none of the certificates is self-signed") {
		t.Errorf("a timestamp authority without a root: %v", err)
	}
}

// deep returns a tower of empty sequences.
func deep(levels int) []byte {
	der := []byte{4, 1, 1}
	for range levels {
		der = must(asn1.Marshal(asn1.RawValue{Tag: 16, IsCompound: true, Bytes: der}))
		if len(der) > 60000 {
			break
		}
	}
	return der
}

func TestTimestampsOfKeys(t *testing.T) {
	key, tsa, other := newKey(t, elliptic.P256()), certtest.NewTSA(t), certtest.NewTSA(t)
	plain := sign(t, key, statement)
	at := time.Now().Add(-time.Hour).Truncate(time.Second)
	b := stamped(t, plain, tsa.Stamp(t, plain.Signature(), at))
	open := func(b *bundle.Bundle, authorities ...*certtest.TSA) (*verifying.Result, error) {
		o := verifying.EllipticKey{Key: key.Public()}
		for _, a := range authorities {
			o.TSACertificates = append(o.TSACertificates, a.Root.Certificate)
		}
		return verifying.Config().UseEllipticKeyVerifier(o).Open(context.Background(), b)
	}
	r, err := open(b, tsa)
	if err != nil || !r.Signer.Time.Equal(at) || r.Signer.TimeSource == "" {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err := open(plain, tsa); err != nil {
		t.Errorf("without a timestamp: %v", err)
	}
	for name, err := range map[string]error{
		"no authority":      second(open(b)),
		"another authority": second(open(b, other)),
		"another signature": second(open(stamped(t, plain, tsa.Stamp(t, statement, at)), tsa)),
	} {
		if !errors.Is(err, verifying.ErrTimestamp) {
			t.Errorf("%s: got %v, want %v", name, err, verifying.ErrTimestamp)
		}
	}
}

func second[A, B any](_ A, b B) B { return b }

// The option for old bundles accepts what the reference does, says so, and nothing more.
func TestInsecureAllowExpired(t *testing.T) {
	root := certtest.Root(t, certtest.Valid(-10*time.Hour, -time.Hour))
	leaf := certtest.Leaf(t, root, certtest.Valid(-8*time.Hour, -7*time.Hour))
	young := certtest.Leaf(t, root, certtest.Valid(-8*time.Hour, 7*time.Hour))
	for _, c := range []struct {
		name string
		leaf *certtest.Cert
		want refusal
	}{
		{"all expired", leaf, refusal{}},
		{"root expired", young, refusal{}},
		{"valid never together", certtest.Leaf(t, root, certtest.Valid(-11*time.Hour, -9*time.Hour)), refusal{verifying.ErrCertificate, "is before"}},
		{"not yet valid", certtest.Leaf(t, root, certtest.Valid(time.Hour, 9*time.Hour)), refusal{verifying.ErrCertificate, ""}},
		{"another root", certtest.Leaf(t, certtest.Root(t), certtest.Valid(-8*time.Hour, -7*time.Hour)), refusal{verifying.ErrCertificate, ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, b := trusting(t, root), signedBy(t, c.leaf)
			if _, err := open(t, o, b); !errors.Is(err, verifying.ErrCertificate) {
				t.Errorf("without the option: got %v, want %v", err, verifying.ErrCertificate)
			}
			o.InsecureAllowExpired = true
			var log bytes.Buffer
			r, err := verifying.Config().UseCertificateVerifier(o).SetLogger(slog.New(slog.NewTextHandler(&log, nil))).Open(context.Background(), b)
			c.want.check(t, err)
			if err != nil {
				return
			}
			if !r.Signer.Time.IsZero() {
				t.Errorf("claims a time: %v", r.Signer.Time)
			}
			if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "since what is expired is allowed") {
				t.Errorf("no warning: %s", log.String())
			}
		})
	}
}

// Lists of the caller's are believed if their issuer signed them, and speak of the time of the signature.
func TestRevocation(t *testing.T) {
	life := certtest.Valid(-100*time.Hour, 100*time.Hour)
	root := certtest.Root(t, life)
	ca := certtest.Authority(t, root, "intermediate", life)
	leaf := certtest.Leaf(t, ca, life)
	impostor := certtest.Authority(t, nil, "intermediate", life)
	tsa := certtest.NewTSA(t)
	plain := signedBy(t, leaf, ca)
	hours := func(h int) time.Time { return time.Now().Add(time.Duration(h) * time.Hour).Truncate(time.Second) }
	proven := stamped(t, plain, tsa.Stamp(t, plain.Signature(), hours(-10)))
	entry := func(c *certtest.Cert, at time.Time, reason int, ext ...pkix.Extension) x509.RevocationListEntry {
		return x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: at, ReasonCode: reason, ExtraExtensions: ext}
	}
	list := func(by *certtest.Cert, e ...x509.RevocationListEntry) *x509.RevocationList {
		return by.Revoke(t, x509.RevocationList{}, e...)
	}
	compromised := func(at time.Time) pkix.Extension {
		return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 24}, Value: must(asn1.MarshalWithParams(at.UTC(), "generalized"))}
	}
	stale := x509.RevocationList{ThisUpdate: hours(-20), NextUpdate: hours(-5)}
	bad := verifying.ErrCertificate
	type lists = []*x509.RevocationList

	for _, c := range []struct {
		name  string
		b     *bundle.Bundle
		lists lists
		want  refusal
	}{
		{"nobody", plain, lists{list(ca), list(root)}, refusal{}},
		{"leaf", plain, lists{list(ca, entry(leaf, hours(-1), 1))}, refusal{bad, `certificate "CN=signer,O=Example" was revoked on`}},
		{"leaf, reason", plain, lists{list(ca, entry(leaf, hours(-1), 1))}, refusal{bad, "reason keyCompromise"}},
		{"leaf on hold", plain, lists{list(ca, entry(leaf, hours(-1), 6))}, refusal{bad, "reason certificateHold"}},
		{"intermediate", plain, lists{list(root, entry(ca, hours(-1), 2))}, refusal{bad, `certificate "CN=intermediate,O=Example" was revoked on`}},
		{"somebody else", plain, lists{list(ca, entry(certtest.Leaf(t, ca), hours(-1), 1))}, refusal{}},
		{"same serial number, other issuer", plain, lists{list(root, entry(leaf, hours(-1), 1))}, refusal{}},
		{"in the second list", plain, lists{list(ca), list(ca, entry(leaf, hours(-1), 1))}, refusal{bad, "was revoked on"}},
		{"signed by an impostor", plain, lists{list(impostor, entry(leaf, hours(-1), 1))}, refusal{bad, `revocation list of "CN=intermediate,O=Example" is not signed by`}},
		{"of others, signed by whomever", plain, lists{list(certtest.Authority(t, nil, "unrelated"))}, refusal{}},

		{"after the proven time", proven, lists{list(ca, entry(leaf, hours(-1), 1))}, refusal{}},
		{"intermediate after the proven time", proven, lists{list(root, entry(ca, hours(-1), 1))}, refusal{}},
		{"before the proven time", proven, lists{list(ca, entry(leaf, hours(-11), 1))}, refusal{bad, "was revoked on"}},
		{"compromised before the proven time", proven, lists{list(ca, entry(leaf, hours(-1), 1, compromised(hours(-20))))}, refusal{bad, "was revoked on"}},
		{"compromised after the proven time", proven, lists{list(ca, entry(leaf, hours(-1), 1, compromised(hours(-2))))}, refusal{}},

		{"expired list", plain, lists{ca.Revoke(t, stale)}, refusal{bad, `revocation list of "CN=intermediate,O=Example", the issuer of certificate "CN=signer,O=Example", expired on`}},
		{"expired list and a new one", plain, lists{ca.Revoke(t, stale), list(ca)}, refusal{}},
		{"revoked in an expired list", plain, lists{ca.Revoke(t, stale, entry(leaf, hours(-15), 0)), list(ca)}, refusal{bad, "was revoked on"}},
		{"list that expired after the proven time", proven, lists{ca.Revoke(t, stale)}, refusal{}},

		{"timestamp authority", proven, lists{list(tsa.Root, entry(tsa.Leaf, hours(-1), 1))}, refusal{verifying.ErrTimestamp, `"CN=timestamps,O=Example" was revoked on`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := trusting(t, root)
			o.TSACertificates = []*x509.Certificate{tsa.Root.Certificate}
			o.CRLs = c.lists
			_, err := open(t, o, c.b)
			c.want.check(t, err)
			o.CRLs = nil
			for _, l := range c.lists {
				o.RevocationLists = append(o.RevocationLists, certtest.RevocationFile(t, l))
			}
			_, err = open(t, o, c.b)
			c.want.check(t, err)
		})
	}
	if _, err := open(t, verifying.Certificate{
		CertificateChain: []string{certtest.Files(t, ca)}, TrustIntermediates: true, RevocationLists: []string{certtest.RevocationFile(t, list(root, entry(ca, hours(-1), 1)))},
	}, signedBy(t, leaf, ca, root)); !errors.Is(err, verifying.ErrCertificate) {
		t.Errorf("a revoked intermediate that is trusted: %v", err)
	}
}

// What is no complete list of its issuer's revocations is refused before anything is verified.
func TestRevocationLists(t *testing.T) {
	root := certtest.Root(t)
	ext := func(id ...int) func(value []byte) x509.RevocationList {
		return func(value []byte) x509.RevocationList {
			return x509.RevocationList{ExtraExtensions: []pkix.Extension{{Id: id, Critical: true, Value: value}}}
		}
	}
	point := func(tag int) []byte {
		return must(asn1.Marshal([]asn1.RawValue{{Class: asn1.ClassContextSpecific, Tag: tag, Bytes: []byte{0xff}}}))
	}
	for _, c := range []struct {
		name string
		list x509.RevocationList
		says string // empty: accepted
	}{
		{"for all", ext(2, 5, 29, 28)([]byte{0x30, 0}), ""},
		{"for users only", ext(2, 5, 29, 28)(point(1)), "not for all certificates"},
		{"for one distribution point", ext(2, 5, 29, 28)([]byte{0x30, 2, 0xa0, 0}), "not for all certificates"},
		{"for authorities only", ext(2, 5, 29, 28)(point(2)), "not for all certificates"},
		{"delta", ext(2, 5, 29, 27)([]byte{2, 1, 1}), "delta CRL"},
		{"indirect", ext(2, 5, 29, 28)(point(4)), "is indirect"},
		{"unknown", ext(1, 2, 3)([]byte{5, 0}), "critical extension 1.2.3"},
	} {
		o := trusting(t, root)
		o.CRLs = []*x509.RevocationList{root.Revoke(t, c.list)}
		err := verifying.Config().UseCertificateVerifier(o).Err()
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: got %v, want it to say %q", c.name, err, c.says)
		}
	}
}

// A timestamp of tomorrow proves nothing, and a revocation list that an authority's clock makes young again neither.
func TestTimestampClock(t *testing.T) {
	root, tsa := certtest.Root(t), certtest.NewTSA(t)
	b := signedBy(t, certtest.Leaf(t, root))
	o := trusting(t, root)
	o.TSACertificates = []*x509.Certificate{tsa.Root.Certificate}

	_, err := open(t, o, stamped(t, b, tsa.Stamp(t, b.Signature(), time.Now().Add(50*time.Minute))))
	refusal{verifying.ErrTimestamp, "is in the future"}.check(t, err)

	proven := stamped(t, b, tsa.Stamp(t, b.Signature(), time.Now().Truncate(time.Second)))
	_, err = open(t, o, proven)
	refusal{}.check(t, err)
	o.CRLs = []*x509.RevocationList{tsa.Root.Revoke(t, x509.RevocationList{
		ThisUpdate: time.Now().Add(-3 * time.Hour), NextUpdate: time.Now().Add(-time.Second),
	})}
	_, err = open(t, o, proven)
	refusal{verifying.ErrTimestamp, "get the present one"}.check(t, err)
}
