package manifest

import (
	"encoding/hex"
	"fmt"
)

// An Algorithm is a hash function, by the name it has in signatures.
type Algorithm string

const (
	SHA256  Algorithm = "sha256"  // SHA-256, 32 bytes; FIPS 180-4
	BLAKE2b Algorithm = "blake2b" // BLAKE2b-512, 64 bytes; RFC 7693
	BLAKE3  Algorithm = "blake3"  // BLAKE3, 32 bytes
)

// Size returns the length of a digest in bytes, or 0 for an algorithm that this package does not know.
func (a Algorithm) Size() int {
	switch a {
	case SHA256, BLAKE3:
		return 32
	case BLAKE2b:
		return 64
	}
	return 0
}

// A Digest is the hash of some bytes. Digests are equal if and only if == says so.
type Digest struct {
	Algorithm Algorithm
	Hex       string // lower case
}

// NewDigest returns the digest with the given bytes.
func NewDigest(a Algorithm, sum []byte) Digest { return Digest{a, hex.EncodeToString(sum)} }

// String returns the algorithm and the digest with a colon between them, as in "sha256:9f86d0…".
func (d Digest) String() string { return string(d.Algorithm) + ":" + d.Hex }

func (d Digest) check() error {
	size := d.Algorithm.Size()
	if size == 0 {
		return fmt.Errorf("algorithm: unknown hash algorithm %q", d.Algorithm)
	}
	if len(d.Hex) != 2*size {
		return fmt.Errorf("digest: %s has %d hexadecimal digits, not %d", d.Algorithm, 2*size, len(d.Hex))
	}
	for i := range len(d.Hex) {
		if c := d.Hex[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return fmt.Errorf("digest: %q is not a lower-case hexadecimal digit", c)
		}
	}
	return nil
}
