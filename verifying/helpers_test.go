package verifying_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/internal/certtest"
)

func hashOf(size int) crypto.Hash {
	return map[int]crypto.Hash{32: crypto.SHA256, 48: crypto.SHA384, 64: crypto.SHA512}[size]
}

func hexOf(b []byte) string    { return hex.EncodeToString(b) }
func base64Of(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
func colons(b []byte) string   { return strings.ReplaceAll(fmt.Sprintf("% X", b), " ", ":") }

func tlsPair(cert, key string) (tls.Certificate, error) { return tls.LoadX509KeyPair(cert, key) }

// hugeKey is an RSA key whose public part is all that works: to make one takes minutes.
func hugeKey(testing.TB) certtest.Change {
	n := new(big.Int).Lsh(big.NewInt(1), 16383)
	return certtest.Key(publicOnly{&rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: 65537}})
}

type publicOnly struct{ key *rsa.PublicKey }

func (p publicOnly) Public() crypto.PublicKey { return p.key }
func (p publicOnly) Sign(_ io.Reader, _ []byte, _ crypto.SignerOpts) ([]byte, error) {
	return nil, fmt.Errorf("there is no private key")
}
