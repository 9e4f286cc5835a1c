//go:build unix

package e2e

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	protoroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"github.com/sigstore/rekor-tiles/v2/pkg/note"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
)

// writeTrust describes the servers to their clients.
func (s *Stack) writeTrust(k keys, o Options) error {
	begin := time.Now().Add(-time.Minute)
	tsa, err := s.trustTSA(begin)
	if err != nil {
		return err
	}
	ctLogs, err := trustLog(s.CTLog.URL, k.ctLog.Public(), begin)
	if err != nil {
		return err
	}
	rekorLogs, err := s.trustRekor(k, o, begin)
	if err != nil {
		return err
	}
	trustedRoot, err := root.NewTrustedRoot(root.TrustedRootMediaType01,
		[]root.CertificateAuthority{&root.FulcioCertificateAuthority{
			Root: k.authority, ValidityPeriodStart: begin, URI: s.Fulcio.URL,
		}}, ctLogs, []root.TimestampingAuthority{tsa}, rekorLogs)
	if err != nil {
		return err
	}
	signingConfig, err := s.signingConfig(o, begin)
	if err != nil {
		return err
	}
	if s.TrustedRootJSON, err = json.Marshal(trustedRoot); err != nil {
		return err
	}
	if s.SigningConfigJSON, err = json.Marshal(signingConfig); err != nil {
		return err
	}
	s.TrustConfigJSON, err = json.Marshal(map[string]any{
		"mediaType":     "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
		"trustedRoot":   json.RawMessage(s.TrustedRootJSON),
		"signingConfig": json.RawMessage(s.SigningConfigJSON),
	})
	return err
}

func (s *Stack) signingConfig(o Options, begin time.Time) (*root.SigningConfig, error) {
	one := root.ServiceConfiguration{Selector: protoroot.ServiceSelector_ANY}
	service := func(url string, version uint32) []root.Service {
		return []root.Service{{URL: url, MajorAPIVersion: version, ValidityPeriodStart: begin, Operator: "example.com"}}
	}
	rekor, tsa := service(s.Rekor.URL, 2), service(s.TSAURL, 1)
	if o.RekorV1 {
		rekor, tsa = service(s.Rekor.URL, 1), nil
	}
	return root.NewSigningConfig(root.SigningConfigMediaType02,
		service(s.Fulcio.URL, 1), service(s.Issuer, 1), rekor, one, tsa, one)
}

func (s *Stack) trustRekor(k keys, o Options, begin time.Time) (map[string]*root.TransparencyLog, error) {
	if o.RekorV1 {
		return trustLog(s.Rekor.URL, k.rekorV1.Public(), begin)
	}
	_, id, err := note.KeyHash("127.0.0.1", k.rekor.Public())
	if err != nil {
		return nil, err
	}
	return map[string]*root.TransparencyLog{hex.EncodeToString(id): {
		BaseURL: s.Rekor.URL, ID: id, ValidityPeriodStart: begin,
		HashFunc: crypto.SHA256, PublicKey: k.rekor.Public(), SignatureHashFunc: crypto.SHA512,
	}}, nil
}

// trustLog is a log whose ID is the digest of its key.
func trustLog(url string, key crypto.PublicKey, begin time.Time) (map[string]*root.TransparencyLog, error) {
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, err
	}
	id := sha256.Sum256(spki)
	return map[string]*root.TransparencyLog{hex.EncodeToString(id[:]): {
		BaseURL: url, ID: id[:], ValidityPeriodStart: begin,
		HashFunc: crypto.SHA256, PublicKey: key, SignatureHashFunc: crypto.SHA256,
	}}, nil
}

func (s *Stack) trustTSA(begin time.Time) (*root.SigstoreTimestampingAuthority, error) {
	chain, err := cryptoutils.LoadCertificatesFromPEM(bytes.NewReader(s.TSAChain))
	if err != nil {
		return nil, err
	}
	if len(chain) < 2 {
		return nil, fmt.Errorf("the timestamp authority has a chain of %d certificates", len(chain))
	}
	return &root.SigstoreTimestampingAuthority{
		Leaf: chain[0], Intermediates: chain[1 : len(chain)-1], Root: chain[len(chain)-1],
		ValidityPeriodStart: begin, URI: s.TSAURL,
	}, nil
}
