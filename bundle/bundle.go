package bundle

import (
	"errors"
	"slices"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
)

const (
	// MediaType is the media type of the bundles that this package makes.
	MediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"
	// PayloadType is the DSSE payload type of in-toto statements.
	PayloadType = "application/vnd.in-toto+json"
)

// ErrMalformed says that something is not a bundle, or not a statement, of the OMS format.
// The error that wraps it names the field.
var ErrMalformed = errors.New("malformed signature")

// A Method is a way of signing, told by the bundle's verification material.
type Method string

const (
	Key         Method = "key"         // a bare public key
	Certificate Method = "certificate" // a chain of X.509 certificates from a PKI of the signer's
	Sigstore    Method = "sigstore"    // a short-lived certificate and an entry in a transparency log
)

// A Bundle is a signature, its statement, and what a verifier needs. The zero value has none of them, and can only
// be unmarshaled into: it is [ErrMalformed] to verifiers. A Bundle is immutable and may be used by many goroutines, as long as none
// changes what [Bundle.Proto] and [Bundle.UnverifiedStatement] return.
type Bundle struct {
	proto *protobundle.Bundle
	// material is the verification material's text in the bundle that was parsed: what newer definitions do
	// not know must survive being read and written.
	material []byte
}

// New returns the bundle for a statement, its signature and the verification material m. It keeps all three.
func New(statement, sig []byte, m *protobundle.VerificationMaterial) *Bundle {
	return &Bundle{proto: &protobundle.Bundle{
		MediaType:            MediaType,
		VerificationMaterial: m,
		Content: &protobundle.Bundle_DsseEnvelope{DsseEnvelope: &protodsse.Envelope{
			Payload:     statement,
			PayloadType: PayloadType,
			Signatures:  []*protodsse.Signature{{Sig: sig}},
		}},
	}}
}

// NewKey returns the bundle for a statement signed with a bare key. The hint is that of the public key, which the
// package's documentation describes under Format.
func NewKey(statement, sig []byte, hint string) *Bundle {
	return New(statement, sig, &protobundle.VerificationMaterial{
		Content: &protobundle.VerificationMaterial_PublicKey{
			PublicKey: &protocommon.PublicKeyIdentifier{Hint: hint},
		},
	})
}

// NewCertificate returns the bundle for a statement signed with the key of the first certificate of chain
// (DER, leaf first).
func NewCertificate(statement, sig []byte, chain [][]byte) *Bundle {
	certs := make([]*protocommon.X509Certificate, len(chain))
	for i, der := range chain {
		certs[i] = &protocommon.X509Certificate{RawBytes: der}
	}
	return New(statement, sig, &protobundle.VerificationMaterial{
		Content: &protobundle.VerificationMaterial_X509CertificateChain{
			X509CertificateChain: &protocommon.X509CertificateChain{Certificates: certs},
		},
	})
}

// Method returns the way in which the bundle claims to be signed. In bundles of Sigstore v0.1 and v0.2 a chain of
// certificates with an entry in a log is Sigstore's. Without verification material there is none.
func (b *Bundle) Method() Method {
	m := b.proto.GetVerificationMaterial()
	switch c := m.GetContent().(type) {
	case nil:
		return ""
	case *protobundle.VerificationMaterial_Certificate:
		if c == nil {
			return ""
		}
	case *protobundle.VerificationMaterial_PublicKey:
		if c == nil {
			return ""
		}
		return Key
	case *protobundle.VerificationMaterial_X509CertificateChain:
		if c == nil {
			return ""
		}
		if len(m.GetTlogEntries()) == 0 || !slices.Contains(chainMediaTypes, b.proto.GetMediaType()) {
			return Certificate
		}
	}
	return Sigstore
}

// Proto returns the bundle as Sigstore libraries know it. It must not be changed.
func (b *Bundle) Proto() *protobundle.Bundle { return b.proto }

// UnverifiedStatement returns the payload: what the signature is said to be over, before anyone has checked
// that. Only a verifier's result may be trusted. It must not be changed.
func (b *Bundle) UnverifiedStatement() []byte { return b.proto.GetDsseEnvelope().GetPayload() }

// Signature returns the signature's bytes. They must not be changed.
func (b *Bundle) Signature() []byte {
	sigs := b.proto.GetDsseEnvelope().GetSignatures()
	if len(sigs) == 0 {
		return nil
	}
	return sigs[0].GetSig()
}
