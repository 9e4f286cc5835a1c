//go:build unix

package e2e

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// keys are what the servers are started with; each lies in the stack's folder as well.
type keys struct {
	oidc      *rsa.PrivateKey
	ctLog     *ecdsa.PrivateKey
	rekor     ed25519.PrivateKey
	rekorV1   *ecdsa.PrivateKey
	authority *x509.Certificate
}

func (s *Stack) writeKeys() (k keys, err error) {
	if k.oidc, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return k, err
	}
	if k.ctLog, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return k, err
	}
	if _, k.rekor, err = ed25519.GenerateKey(rand.Reader); err != nil {
		return k, err
	}
	if k.rekorV1, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return k, err
	}
	for name, key := range map[string]crypto.Signer{
		"oidc.pem": k.oidc, "ctlog.pem": k.ctLog, "rekor.pem": k.rekor, "rekor-v1.pem": k.rekorV1,
	} {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return k, err
		}
		if err := s.writePEM(name, "PRIVATE KEY", der); err != nil {
			return k, err
		}
	}
	spki, err := x509.MarshalPKIXPublicKey(k.ctLog.Public())
	if err != nil {
		return k, err
	}
	if err := s.writePEM("ctlog.pub", "PUBLIC KEY", spki); err != nil {
		return k, err
	}
	k.authority, err = s.writeAuthority()
	return k, err
}

// writeAuthority makes the root that Fulcio issues from.
func (s *Stack) writeAuthority() (*x509.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "test authority", Organization: []string{"example.com"}},
		NotBefore:             time.Now().Add(-time.Minute),
		NotAfter:              time.Now().Add(24 * time.Hour),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLen:            1,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	if err := s.writePEM("fulcio.crt", "CERTIFICATE", der); err != nil {
		return nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := s.writePEM("fulcio.key", "PRIVATE KEY", pkcs8); err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func (s *Stack) writePEM(name, kind string, der []byte) error {
	return os.WriteFile(s.file(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

func (s *Stack) file(name string) string { return filepath.Join(s.dir, name) }
