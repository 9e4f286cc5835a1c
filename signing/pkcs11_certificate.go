package signing

import (
	"crypto/x509"
	"fmt"
	"log/slog"

	"github.com/modelsigning/modelsigning/internal/certs"
	"github.com/modelsigning/modelsigning/internal/pkcs11"
)

// A PKCS11Certificate says which key on a PKCS #11 token signs, and which certificate says whose it is. The
// certificate must fulfil what [Certificate] asks of it.
type PKCS11Certificate struct {
	// URI names module, token and key, see [PKCS11].
	URI string
	// ModulePaths are directories to look for module-name in, see [PKCS11].
	ModulePaths []string
	// PIN is the user's PIN, for URIs that have none.
	PIN string
	// SigningCertificate is the path of a file: PEM or DER. The first certificate in it is the key's; others are
	// parts of the chain. If it is empty, the certificate is read from the token, where it has the id or else
	// the label of the private key.
	SigningCertificate string
	// CertificateChain are the paths of files with the certificates of the authorities above the signer, see
	// [Certificate]. None is read from the token.
	CertificateChain []string
}

// Format prints the options without the PIN, for all verbs.
func (o PKCS11Certificate) Format(f fmt.State, _ rune) { formatPKCS11(f, o.URI, o.PIN) }

// LogValue is the options without the PIN.
func (o PKCS11Certificate) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(o)) }

// UsePKCS11CertificateSigner signs with a key on a PKCS #11 token that a certificate belongs to. Files are read, and
// the certificates in them checked, at once; [Configuration.Err] tells if that did not work. That the certificate
// is the key's, and all about one that is on the token, is seen when the token is open, before the model is
// hashed. The rest is as with [Configuration.UsePKCS11Signer] and [Configuration.UseCertificateSigner].
func (c Configuration) UsePKCS11CertificateSigner(o PKCS11Certificate) Configuration {
	s, err := newPKCS11CertificateSigner(o)
	if err != nil {
		return c.use(nil, err)
	}
	return c.use(s, nil)
}

func newPKCS11CertificateSigner(o PKCS11Certificate) (*pkcs11Signer, error) {
	files := o.CertificateChain
	if o.SigningCertificate != "" {
		files = append([]string{o.SigningCertificate}, files...)
	}
	given, err := certs.ReadFiles(files...)
	if err != nil {
		return nil, err
	}
	if o.SigningCertificate != "" {
		if _, err := checkChain(given[0].PublicKey, given); err != nil {
			return nil, err
		}
	}
	s, err := newPKCS11Signer(PKCS11{URI: o.URI, ModulePaths: o.ModulePaths, PIN: o.PIN})
	if err != nil {
		return nil, err
	}
	s.signer = func(k *pkcs11.Key) (Signer, error) {
		if o.SigningCertificate != "" {
			return certifiedKeySigner(k, given)
		}
		leaf, err := k.Certificate()
		if err != nil {
			return nil, err
		}
		return certifiedKeySigner(k, append([]*x509.Certificate{leaf}, given...))
	}
	return s, nil
}

func certifiedKeySigner(k *pkcs11.Key, given []*x509.Certificate) (Signer, error) {
	ders, err := checkChain(k.Public(), given)
	if err != nil {
		return nil, err
	}
	return &certificateSigner{k, given[0], ders}, nil
}
