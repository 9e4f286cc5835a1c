package bundle

import (
	"fmt"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
)

// Timestamps returns the timestamps of the bundle: responses of RFC 3161 authorities (DER) over
// [Bundle.Signature], none of them verified. They must not be changed.
func (b *Bundle) Timestamps() [][]byte {
	signed := b.proto.GetVerificationMaterial().GetTimestampVerificationData().GetRfc3161Timestamps()
	responses := make([][]byte, len(signed))
	for i, s := range signed {
		responses[i] = s.GetSignedTimestamp()
	}
	return responses
}

// AddTimestamp returns a bundle that has one timestamp more: the response (DER) of an RFC 3161 authority over
// [Bundle.Signature]. It does not verify it. The error says that no reader would take the bundle.
func (b *Bundle) AddTimestamp(response []byte) (*Bundle, error) {
	if err := b.Validate(); err != nil {
		return nil, err
	}
	m := b.proto.GetVerificationMaterial()
	old := m.GetTimestampVerificationData().GetRfc3161Timestamps()
	switch key := m.GetPublicKey(); {
	case len(response) == 0 || len(response) > maxCertificate:
		return nil, fmt.Errorf("timestamp has %d bytes; the limit is %d", len(response), maxCertificate)
	case len(old) == MaxItems:
		return nil, fmt.Errorf("timestamp is one more than the limit of %d", MaxItems)
	case key != nil && key.GetHint() == "":
		return nil, fmt.Errorf("signature is of a release before 1.1, whose form is not written any more")
	}
	signed := append(old[:len(old):len(old)], &protocommon.RFC3161SignedTimestamp{SignedTimestamp: response})
	return New(b.UnverifiedStatement(), b.Signature(), &protobundle.VerificationMaterial{
		Content:                   m.GetContent(),
		TlogEntries:               m.GetTlogEntries(),
		TimestampVerificationData: &protobundle.TimestampVerificationData{Rfc3161Timestamps: signed},
	}), nil
}

// Certificates returns the certificates of the verification material as they stand there (DER, leaf first),
// none of them verified, or nil if there are none. They must not be changed.
func (b *Bundle) Certificates() [][]byte {
	if b.Method() == "" {
		return nil
	}
	m := b.proto.GetVerificationMaterial()
	if leaf := m.GetCertificate(); leaf != nil {
		return [][]byte{leaf.GetRawBytes()}
	}
	var chain [][]byte
	for _, c := range m.GetX509CertificateChain().GetCertificates() {
		chain = append(chain, c.GetRawBytes())
	}
	return chain
}
