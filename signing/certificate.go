package signing

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/certs"
	"github.com/modelsigning/modelsigning/internal/keys"
)

// A Certificate says which private key signs and which certificate says whose it is. The certificate is for a key on
// P-256, P-384 or P-521, valid now, and may be used for signing: its key usage is digitalSignature or, if it states
// none, its extended key usage codeSigning.
type Certificate struct {
	// PrivateKey is the path of a PEM file: PKCS #8, encrypted or not, or SEC 1.
	PrivateKey string
	// Password decrypts the file if it is encrypted, and is not looked at otherwise.
	Password string
	// Key is used in place of a file if it is set; see [EllipticKey].
	Key crypto.Signer
	// SigningCertificate is the path of a file: PEM or DER. The first certificate in it is the key's; others are
	// parts of the chain.
	SigningCertificate string
	// CertificateChain are the paths of files with the certificates of the authorities above the signer, in any
	// order: PEM, each of any number, or a single one in DER. All of them go into the bundle. If there are any,
	// one must have issued the signer's certificate. Those who verify need what is missing, and the root does
	// not become trusted by being there.
	CertificateChain []string
}

// UseCertificateSigner signs with an elliptic-curve key that a certificate belongs to. The files are read, and the
// certificates checked, at once; [Configuration.Err] tells if that did not work. The bundle holds the certificates,
// leaf first.
func (c Configuration) UseCertificateSigner(o Certificate) Configuration {
	s, err := newCertificateSigner(o)
	if err != nil {
		return c.use(nil, err)
	}
	return c.use(s, nil)
}

type certificateSigner struct {
	key   crypto.Signer
	leaf  *x509.Certificate
	chain [][]byte // leaf first
}

func newCertificateSigner(o Certificate) (*certificateSigner, error) {
	key := o.Key
	if key == nil {
		if o.PrivateKey == "" {
			return nil, errors.New("certificate: neither PrivateKey nor Key is set")
		}
		var err error
		if key, err = keys.ReadPrivate(o.PrivateKey, o.Password); err != nil {
			return nil, err
		}
	}
	public, err := keys.Public(key)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	leaf, chain, err := readChain(public, o.SigningCertificate, o.CertificateChain)
	if err != nil {
		return nil, err
	}
	return &certificateSigner{key, leaf, chain}, nil
}

// ErrCertificate says that a certificate cannot be used to sign: it is another key's, or not one for signing, or not
// valid at this time. The error says which.
var ErrCertificate = errors.New("signing certificate")

// readChain reads a signer's certificates and sees that they can be used with its key. It returns the leaf, and
// all of them as they go into the bundle.
func readChain(key crypto.PublicKey, signer string, chain []string) (leaf *x509.Certificate, ders [][]byte, err error) {
	if signer == "" {
		return nil, nil, errors.New("certificate: SigningCertificate is not set")
	}
	given, err := certs.ReadFiles(append([]string{signer}, chain...)...)
	if err != nil {
		return nil, nil, err
	}
	ders, err = checkChain(key, given)
	return given[0], ders, err
}

// checkChain sees that certificates, leaf first, can be used with the signer's key. It returns them as they go into
// the bundle.
func checkChain(key crypto.PublicKey, given []*x509.Certificate) ([][]byte, error) {
	ders, err := certs.CheckSigner(key, given[0], given[1:], time.Now())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	if len(ders) > bundle.MaxItems {
		return nil, fmt.Errorf("%w: the chain has %d certificates, more than the limit of %d", ErrCertificate, len(ders), bundle.MaxItems)
	}
	return ders, nil
}

func checkTime(leaf *x509.Certificate, at time.Time) error {
	if err := certs.CheckTime(leaf, at); err != nil {
		return fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	return nil
}

// prepare sees that the certificate is still valid.
func (s *certificateSigner) prepare(context.Context) (Signer, func(), error) {
	return s, func() {}, checkTime(s.leaf, time.Now())
}

func (s *certificateSigner) Sign(_ context.Context, statement []byte) (*bundle.Bundle, error) {
	// Hashing may have taken longer than the certificate lives.
	if err := checkTime(s.leaf, time.Now()); err != nil {
		return nil, err
	}
	sig, err := keys.Sign(s.key, statement)
	if err != nil {
		return nil, err
	}
	return bundle.NewCertificate(statement, sig, s.chain), nil
}
