package bundle

import (
	"bytes"

	"github.com/modelsigning/modelsigning/internal/strictjson"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

// MaxItems is how many certificates, log entries and timestamps one bundle may have, of each.
const MaxItems = 32

const (
	// maxLog is how long all log entries of a bundle may be together, in bytes. One takes a few thousand; to read them takes
	// many times as much memory, before anything tells whether they are true.
	maxLog = 256 << 10
	// maxHashes is how many hashes an inclusion proof may have: one for each level of a log.
	maxHashes = 64
)

func (p *parser) material(d *strictjson.Decoder) (*protobundle.VerificationMaterial, error) {
	raw, err := d.Peek(MaxMaterial)
	if err != nil {
		return nil, err
	}
	p.bundle.material = bytes.Clone(raw)
	m := new(protobundle.VerificationMaterial)
	err = d.Object(func(name string) error {
		if d.Null() {
			return known(d, name, "publicKey", "public_key", "x509CertificateChain", "x509_certificate_chain",
				"certificate", "tlogEntries", "tlog_entries",
				"timestampVerificationData", "timestamp_verification_data")
		}
		if m.Content != nil && isContent(name) {
			return d.Errorf("is a second kind of verification material; exactly one is allowed")
		}
		return materialMember(d, m, name)
	})
	switch {
	case err != nil:
		return nil, err
	case m.Content == nil:
		return nil, d.Errorf("holds no publicKey, x509CertificateChain or certificate")
	case m.GetCertificate() != nil && len(m.TlogEntries) == 0:
		return nil, d.Errorf("tlogEntries: a Sigstore certificate needs at least one")
	}
	return m, nil
}

func isContent(name string) bool {
	switch name {
	case "publicKey", "public_key", "x509CertificateChain", "x509_certificate_chain", "certificate":
		return true
	}
	return false
}

func materialMember(d *strictjson.Decoder, m *protobundle.VerificationMaterial, name string) (err error) {
	switch name {
	case "publicKey", "public_key":
		content := new(protobundle.VerificationMaterial_PublicKey)
		content.PublicKey, err = publicKey(d)
		m.Content = content
	case "x509CertificateChain", "x509_certificate_chain":
		content := new(protobundle.VerificationMaterial_X509CertificateChain)
		content.X509CertificateChain, err = chain(d)
		m.Content = content
	case "certificate":
		content := new(protobundle.VerificationMaterial_Certificate)
		content.Certificate, err = certificate(d)
		m.Content = content
	case "tlogEntries", "tlog_entries":
		m.TlogEntries, err = tlogEntries(d)
	case "timestampVerificationData", "timestamp_verification_data":
		m.TimestampVerificationData, err = timestamps(d)
	default:
		err = d.Unknown()
	}
	return err
}

// publicKey also takes rawBytes and keyDetails, which newer definitions of the message do not have. They are
// never used as a key.
func publicKey(d *strictjson.Decoder) (*protocommon.PublicKeyIdentifier, error) {
	id := new(protocommon.PublicKeyIdentifier)
	var old []byte
	err := d.Object(func(name string) (err error) {
		if d.Null() {
			return known(d, name, "hint", "rawBytes", "raw_bytes", "keyDetails", "key_details")
		}
		switch name {
		case "hint":
			id.Hint, err = d.String()
		case "rawBytes", "raw_bytes":
			old, err = decodeBase64(d, false, maxSignature)
		case "keyDetails", "key_details":
			err = d.Skip()
		default:
			err = d.Unknown()
		}
		return err
	})
	if err == nil && id.Hint == "" && len(old) == 0 {
		err = d.Errorf("holds neither hint nor rawBytes")
	}
	return id, err
}

func chain(d *strictjson.Decoder) (*protocommon.X509CertificateChain, error) {
	c := new(protocommon.X509CertificateChain)
	err := d.Object(func(name string) error {
		if name != "certificates" {
			return d.Unknown()
		}
		return array(d, func() error {
			cert, err := certificate(d)
			c.Certificates = append(c.Certificates, cert)
			return err
		})
	})
	if err == nil && len(c.Certificates) == 0 {
		err = d.Errorf("certificates: there is none")
	}
	return c, err
}

// maxCertificate is the largest certificate, or timestamp, in bytes.
const maxCertificate = 64 << 10

func certificate(d *strictjson.Decoder) (*protocommon.X509Certificate, error) {
	c := new(protocommon.X509Certificate)
	err := member(d, "rawBytes", "raw_bytes", &c.RawBytes)
	return c, err
}

func timestamps(d *strictjson.Decoder) (*protobundle.TimestampVerificationData, error) {
	t := new(protobundle.TimestampVerificationData)
	err := d.Object(func(name string) error {
		if name != "rfc3161Timestamps" && name != "rfc3161_timestamps" {
			return d.Unknown()
		}
		if d.Null() {
			return nil
		}
		return array(d, func() error {
			ts := new(protocommon.RFC3161SignedTimestamp)
			err := member(d, "signedTimestamp", "signed_timestamp", &ts.SignedTimestamp)
			t.Rfc3161Timestamps = append(t.Rfc3161Timestamps, ts)
			return err
		})
	})
	return t, err
}

// member reads an object of one member, some bytes.
func member(d *strictjson.Decoder, camel, snake string, to *[]byte) error {
	err := d.Object(func(name string) (err error) {
		if name != camel && name != snake {
			return d.Unknown()
		}
		*to, err = decodeBase64(d, false, maxCertificate)
		return err
	})
	if err == nil && len(*to) == 0 {
		err = d.Errorf("%s is missing", camel)
	}
	return err
}

func tlogEntries(d *strictjson.Decoder) (entries []*protorekor.TransparencyLogEntry, err error) {
	if _, err := d.Peek(maxLog); err != nil {
		return nil, err
	}
	err = array(d, func() error {
		raw, err := d.Raw()
		if err != nil {
			return err
		}
		e := new(protorekor.TransparencyLogEntry)
		if err := protojson.Unmarshal(raw, e); err != nil {
			return d.Errorf("%v", err)
		}
		if n := len(e.GetInclusionProof().GetHashes()); n > maxHashes {
			return d.Errorf("inclusionProof.hashes: there are %d, more than the limit of %d", n, maxHashes)
		}
		entries = append(entries, e)
		return nil
	})
	return entries, err
}

func array(d *strictjson.Decoder, element func() error) error {
	return d.Array(func(i int) error {
		if i == MaxItems {
			return d.Errorf("is one more than the limit of %d", MaxItems)
		}
		return element()
	})
}
