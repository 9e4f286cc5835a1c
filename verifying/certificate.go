package verifying

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"time"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/certs"
	"github.com/modelsigning/modelsigning/internal/keys"
)

// A Certificate says which certificates to trust, and whose. The signer's certificate must lead to a root that is
// trusted, be valid when the signature was made, not be revoked, and be the one that is expected.
//
// Roots are the self-signed certificates in CertificateChain, and all in Roots. Without either, the roots are those
// of the operating system, which vouch for every web server; then the signer's certificate must have the extended
// key usage codeSigning, and Expected must say whose it is. Passing [x509.SystemCertPool] as Roots comes to the
// same, and so does passing it with roots added to it, or a file of them as CertificateChain. The roots of a company may vouch for everybody in it: then
// set Expected, too.
//
// The signature was made when its timestamps say. Each timestamp in the bundle must be of an authority in
// TSACertificateChain or TSACertificates and over this signature; one that is not, or of which that can't be told
// because no authority is given, makes verifying fail with [ErrTimestamp] and [ErrCertificate]. Without any, the
// certificates must be valid now.
type Certificate struct {
	// CertificateChain are the paths of files: PEM, each of any number of certificates, or a single one in DER.
	// The self-signed ones are roots, be they an authority's or the signer's own. The others only help to build
	// chains, as those in the bundle do.
	CertificateChain []string
	// TrustIntermediates makes roots of all of CertificateChain, whoever has signed them.
	TrustIntermediates bool
	// Roots are roots, too, whether self-signed or not. They are not changed, and must not be.
	Roots *x509.CertPool
	// Expected says whose certificate is accepted. The zero value accepts every one that a root vouches for.
	Expected ExpectedIdentity
	// TSACertificateChain are the paths of files like CertificateChain, of the timestamp authorities to trust:
	// root, intermediates if the timestamps lack them, and leaf if you like.
	TSACertificateChain []string
	// TSACertificates are such certificates, too.
	TSACertificates []*x509.Certificate
	// RevocationLists are the paths of files with CRLs: PEM, each of any number, or a single one in DER. What
	// they list of the signer's chain or a timestamp authority's is refused: if a timestamp proves that the
	// signature is older than the revocation, it stands. The lists must be signed, complete, and not expired when
	// the signature was made. Nothing is fetched, and certificates whose issuer has no list here are accepted.
	RevocationLists []string
	// CRLs are such lists, too.
	CRLs []*x509.RevocationList
	// InsecureAllowExpired accepts a signature without timestamps whose certificates are expired, if they were
	// valid when the signer's certificate began to be, as the Python reference does. Nothing then proves that the
	// signature is not of today, by whoever found the old key. A warning is logged. It does not help where there
	// are timestamps, and does not make up for revocation.
	InsecureAllowExpired bool
	// LogFingerprints logs the SHA-256 fingerprints of the given certificates and of the bundle's, at level Info.
	LogFingerprints bool
}

// UseCertificateVerifier accepts signatures of certificates that lead to a root. The files are read at once;
// [Configuration.Err] tells if that did not work.
func (c Configuration) UseCertificateVerifier(o Certificate) Configuration {
	v, err := newCertificateVerifier(o)
	if err != nil {
		return c.use(nil, err)
	}
	return c.use(v, nil)
}

type certificateVerifier struct {
	trust        certs.Trust
	system       bool
	expected     identityMatcher
	timestamps   timestampVerifier
	allowExpired bool
	fingerprints bool
	log          *slog.Logger
}

func newCertificateVerifier(o Certificate) (*certificateVerifier, error) {
	v := &certificateVerifier{allowExpired: o.InsecureAllowExpired, fingerprints: o.LogFingerprints, log: slog.New(slog.DiscardHandler)}
	if err := v.setRoots(o); err != nil {
		return nil, err
	}
	var err error
	if v.expected, err = o.Expected.matcher(); err != nil {
		return nil, err
	}
	if v.system && o.Expected == (ExpectedIdentity{}) {
		return nil, errors.New("certificate: the operating system's roots vouch for everybody, so say whose signature is expected, or give roots")
	}
	if v.trust.Revoked, err = certs.ReadRevocationLists(o.RevocationLists...); err != nil {
		return nil, err
	}
	v.trust.Revoked = append(v.trust.Revoked, o.CRLs...)
	for _, l := range v.trust.Revoked {
		if err := certs.CheckRevocationList(l); err != nil {
			return nil, err
		}
	}
	v.timestamps, err = newTimestampVerifier(o.TSACertificateChain, o.TSACertificates, v.trust.Revoked)
	return v, err
}

func (v *certificateVerifier) setRoots(o Certificate) error {
	given, err := certs.ReadFiles(o.CertificateChain...)
	if err != nil {
		return err
	}
	v.trust.Roots = o.Roots
	root := v.trust.AddGiven(given, o.TrustIntermediates)
	switch {
	case o.Roots == nil && !root && len(given) > 0:
		return errors.New("certificate: none of the certificate chain is self-signed, so none is a root; add the root, or trust intermediates as they are")
	case v.trust.Roots == nil:
		v.system = true
	default:
		system, err := x509.SystemCertPool()
		v.system = err == nil && holds(v.trust.Roots, system) || asksSystem(v.trust.Roots)
	}
	v.trust.CodeSigning = v.system
	return nil
}

// holds reports whether a pool has all that is in another one, as x509.SystemCertPool has with roots added to it.
func holds(pool, other *x509.CertPool) bool {
	if pool.Equal(other) {
		return true
	}
	//lint:ignore SA1019 there is no other way to look into a pool, and where the system keeps it, asksSystem tells
	have, want := pool.Subjects(), other.Subjects()
	known := make(map[string]bool, len(have))
	for _, subject := range have {
		known[string(subject)] = true
	}
	for _, subject := range want {
		if !known[string(subject)] {
			return false
		}
	}
	return len(want) > 0
}

// asksSystem reports whether verifying with a pool asks the operating system as well, as on macOS and Windows: there the
// pool of crypto/x509 does not hold the system's roots, but a mark, which Clone and AddCert keep, and Equal does not tell
// once there are others. Where there may be one that can't be read, it counts as there.
func asksSystem(pool *x509.CertPool) bool {
	mark := reflect.ValueOf(pool).Elem().FieldByName("systemPool")
	if mark.Kind() != reflect.Bool {
		return runtime.GOOS == "darwin" || runtime.GOOS == "ios" || runtime.GOOS == "windows"
	}
	return mark.Bool()
}

// withLogger returns a copy that logs.
func (v *certificateVerifier) withLogger(log *slog.Logger) Verifier {
	w := *v
	w.log = log
	return &w
}

func (v *certificateVerifier) Verify(_ context.Context, b *bundle.Bundle) ([]byte, Identity, error) {
	if err := checkMethod(b, bundle.Certificate); err != nil {
		return nil, Identity{}, err
	}
	who, err := v.identify(b)
	if err != nil {
		return nil, Identity{}, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	leaf := who.Certificates[0]
	if err := v.expected.match(leaf); err != nil {
		return nil, Identity{}, fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	statement := b.UnverifiedStatement()
	if !keys.Verify(who.PublicKey.(*ecdsa.PublicKey), statement, b.Signature()) {
		return nil, Identity{}, fmt.Errorf("%w with the key of %s", ErrSignature, certs.Name(leaf))
	}
	return statement, who, nil
}

// identify says whose signature it is, if it is a signature.
func (v *certificateVerifier) identify(b *bundle.Bundle) (Identity, error) {
	leaf, authorities, err := certs.ParseChain(b.Certificates())
	if err != nil {
		return Identity{}, err
	}
	v.logFingerprints(leaf, authorities)
	key, err := certs.CheckLeaf(leaf)
	if err != nil {
		return Identity{}, err
	}
	if v.system && !certs.HasCodeSigning(leaf) {
		return Identity{}, fmt.Errorf("%s does not have the extended key usage codeSigning, which the operating system's roots need", certs.Name(leaf))
	}
	proof, err := v.timestamps.verify(b)
	if err != nil {
		return Identity{}, err
	}
	chain, err := v.verifyChain(leaf, authorities, proof)
	if err != nil {
		return Identity{}, err
	}
	return Identity{
		Method:       bundle.Certificate,
		Subject:      certs.Subject(leaf),
		Issuer:       certs.DistinguishedName(leaf.RawIssuer),
		PublicKey:    key,
		Certificates: chain,
		Time:         proof.time,
		TimeSource:   proof.source,
	}, nil
}

// verifyChain verifies the chain at the time that is proven, or else now.
func (v *certificateVerifier) verifyChain(leaf *x509.Certificate, authorities []*x509.Certificate, p proof) ([]*x509.Certificate, error) {
	trust := v.trust
	trust.CodeSigning = trust.CodeSigning || !certs.StatesKeyUsage(leaf)
	if !p.time.IsZero() {
		if err := certs.CheckTime(leaf, p.time); err != nil {
			return nil, fmt.Errorf("%w, and the signature was made on %s: %s", err, p.time.Format(time.RFC3339), p.source)
		}
		return trust.Verify(leaf, authorities, certs.Time{Time: p.time, Proven: true})
	}
	now := time.Now()
	chain, err := trust.Verify(leaf, authorities, certs.Time{Time: now})
	var invalid x509.CertificateInvalidError
	switch {
	case !errors.As(err, &invalid) || invalid.Reason != x509.Expired || now.Before(leaf.NotBefore):
		return chain, err
	case !v.allowExpired && now.After(leaf.NotAfter):
		return nil, fmt.Errorf("%w, and no timestamp proves that the signature is older: have it signed again with a timestamp authority, or accept it unproven by allowing what is expired, which is insecure",
			certs.CheckTime(leaf, now))
	case !v.allowExpired:
		return nil, err
	}
	v.log.Warn("certificate is expired and nothing proves that the signature is older; it is accepted, since what is expired is allowed",
		"certificate", certs.Subject(leaf), "expired", invalid.Cert.NotAfter.UTC())
	return trust.Verify(leaf, authorities, certs.Time{Time: leaf.NotBefore})
}

func (v *certificateVerifier) logFingerprints(leaf *x509.Certificate, authorities []*x509.Certificate) {
	if !v.fingerprints {
		return
	}
	log := func(where string, c *x509.Certificate) {
		v.log.Info("certificate", "where", where, "subject", certs.Subject(c), "sha256", fingerprint(c))
	}
	for _, c := range v.trust.Given {
		log("given", c)
	}
	for _, c := range append([]*x509.Certificate{leaf}, authorities...) {
		log("bundle", c)
	}
}
