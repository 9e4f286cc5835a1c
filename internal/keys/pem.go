package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/youmark/pkcs8"
)

// maxFile is far above what a key file, or a chain of certificates, takes in bytes.
const maxFile = 1 << 20

// ReadFile reads a small file of the caller's, and no more of a large one than shows that it is.
func ReadFile(name string) ([]byte, error) { return ReadAtMost(name, maxFile) }

// ReadAtMost is ReadFile with another limit, in bytes.
func ReadAtMost(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("is larger than %d bytes", limit)}
	}
	return data, nil
}

// ReadPrivate reads a private key from a PEM file: PKCS #8, SEC 1, or PKCS #8 encrypted with the password.
// Errors name the file, never what is in it.
func ReadPrivate(name, password string) (crypto.Signer, error) {
	data, err := ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	key, err := parsePrivate(data, password)
	if err != nil {
		return nil, fmt.Errorf("private key %s: %w", name, err)
	}
	return key, nil
}

// ReadPublic reads a public key from a PEM file (SubjectPublicKeyInfo).
func ReadPublic(name string) (*ecdsa.PublicKey, error) {
	data, err := ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	key, err := parsePublic(data)
	if err != nil {
		return nil, fmt.Errorf("public key %s: %w", name, err)
	}
	return key, nil
}

func parsePrivate(data []byte, password string) (crypto.Signer, error) {
	block, err := keyBlock(data)
	if err != nil {
		return nil, err
	}
	var key any
	switch {
	case block.Type == "ENCRYPTED PRIVATE KEY" && password == "":
		return nil, errors.New("is encrypted, and no password was given")
	case block.Type == "ENCRYPTED PRIVATE KEY":
		if key, err = pkcs8.ParsePKCS8PrivateKey(block.Bytes, []byte(password)); err != nil {
			err = fmt.Errorf("wrong password, or an encryption that is not known (%w)", err)
		}
	case block.Headers["DEK-Info"] != "":
		err = errors.New(`is encrypted in the old format of PEM; convert it with "openssl pkcs8 -topk8"`)
	case block.Type == "PRIVATE KEY":
		if key, err = x509.ParsePKCS8PrivateKey(block.Bytes); err != nil {
			err = explain(err, pkcs8Algorithm(block.Bytes))
		}
	case block.Type == "EC PRIVATE KEY":
		if key, err = x509.ParseECPrivateKey(block.Bytes); err != nil {
			err = explain(err, sec1Algorithm(block.Bytes))
		}
	case block.Type == "PUBLIC KEY":
		err = errors.New("is a public key; signing takes the private one")
	default:
		err = fmt.Errorf("holds a %.40q, not a private key on an elliptic curve", block.Type)
	}
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, unsupported(fmt.Sprintf("%T", key))
	}
	if _, err := Check(signer.Public()); err != nil {
		return nil, err
	}
	return signer, nil
}

func parsePublic(data []byte) (*ecdsa.PublicKey, error) {
	block, err := keyBlock(data)
	if err != nil {
		return nil, err
	}
	switch block.Type {
	case "PUBLIC KEY":
	case "CERTIFICATE":
		return nil, errors.New("is a certificate, not a public key; verify with the certificate method")
	default:
		return nil, fmt.Errorf("holds a %.40q, not a public key", block.Type)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, explain(err, spkiAlgorithm(block.Bytes))
	}
	return Check(key)
}

// keyBlock returns the first PEM block that may be a key. OpenSSL puts the curve's parameters before one.
func keyBlock(data []byte) (*pem.Block, error) {
	for {
		var block *pem.Block
		block, data = pem.Decode(data)
		if block == nil {
			return nil, errors.New("holds no PEM block with a key")
		}
		if block.Type != "EC PARAMETERS" {
			return block, nil
		}
	}
}

func spkiAlgorithm(der []byte) pkix.AlgorithmIdentifier {
	var key struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	_, _ = asn1.Unmarshal(der, &key)
	return key.Algorithm
}

func pkcs8Algorithm(der []byte) pkix.AlgorithmIdentifier {
	var key struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}
	_, _ = asn1.Unmarshal(der, &key)
	return key.Algorithm
}

// sec1Algorithm is what the others would be, of a key in the form of SEC 1, section C.4.
func sec1Algorithm(der []byte) pkix.AlgorithmIdentifier {
	var key struct {
		Version int
		Key     []byte
		Curve   asn1.ObjectIdentifier `asn1:"optional,explicit,tag:0"`
		Public  asn1.BitString        `asn1:"optional,explicit,tag:1"`
	}
	_, _ = asn1.Unmarshal(der, &key)
	curve, err := asn1.Marshal(key.Curve)
	if err != nil {
		return pkix.AlgorithmIdentifier{}
	}
	ecPublicKey := asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	return pkix.AlgorithmIdentifier{Algorithm: ecPublicKey, Parameters: asn1.RawValue{FullBytes: curve}}
}

// explain adds to an error of crypto/x509 which algorithm or curve it was that it does not know.
func explain(err error, a pkix.AlgorithmIdentifier) error {
	var curve asn1.ObjectIdentifier
	_, curveErr := asn1.Unmarshal(a.Parameters.FullBytes, &curve)
	switch {
	case len(a.Algorithm) == 0:
		return err
	case curveErr != nil:
		return fmt.Errorf("%w (algorithm %v)", err, a.Algorithm)
	case curve.Equal(asn1.ObjectIdentifier{1, 3, 132, 0, 10}):
		return unsupported("secp256k1")
	}
	return fmt.Errorf("%w (algorithm %v, curve %v)", err, a.Algorithm, curve)
}
