package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/verifying"
)

// A policy says who may sign what is stored under which names.
type policy []rule

type rule struct {
	models   string // a pattern as path.Match has it
	accepted verifying.Configuration
}

// A policyFile is a policy as JSON. Paths in it are relative to the working directory.
type policyFile struct {
	Rules []ruleFile `json:"rules"`
}

type ruleFile struct {
	Models       string            `json:"models"`
	Keys         []string          `json:"keys"`         // PEM files with a public key
	Certificates []certificateRule `json:"certificates"` // whose
	Identities   []identityRule    `json:"identities"`   // of Sigstore
}

type certificateRule struct {
	Chain       []string `json:"chain"`     // PEM files with roots
	TSAChain    []string `json:"tsa_chain"` // PEM files of timestamp authorities
	Subject     string   `json:"subject"`
	Email       string   `json:"email"`
	URI         string   `json:"uri"`
	DNS         string   `json:"dns"`
	Fingerprint string   `json:"fingerprint"`
}

type identityRule struct {
	Identity    string `json:"identity"`
	Issuer      string `json:"issuer"`
	TrustConfig string `json:"trust_config"` // a JSON file; the public instance, by TUF, if empty
}

// newPolicy reads the policy, or makes one of keys that may sign everything. All files that it names are read now.
func newPolicy(file string, keys []string) (policy, error) {
	if file == "" {
		return policyOf([]ruleFile{{Models: "*", Keys: keys}})
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var f policyFile
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields() // a condition that is misspelled must not be none
	err = dec.Decode(&f)
	if _, more := dec.Token(); err == nil && more != io.EOF {
		err = errors.New("something follows the policy")
	}
	if err == nil {
		var p policy
		if p, err = policyOf(f.Rules); err == nil {
			return p, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", file, err)
}

func policyOf(rules []ruleFile) (p policy, err error) {
	if len(rules) == 0 {
		return nil, errors.New("rules: there are none")
	}
	for i, r := range rules {
		accepted := verifying.Config().UseAny(r.signers()...)
		_, err := path.Match(r.Models, "")
		switch {
		case r.Models == "":
			err = errors.New("models is missing")
		case err == nil:
			err = accepted.Err()
		}
		if err != nil {
			return nil, fmt.Errorf("rules[%d]: %w", i, err)
		}
		p = append(p, rule{r.Models, accepted})
	}
	return p, nil
}

func (r ruleFile) signers() (some []verifying.Configuration) {
	for _, key := range r.Keys {
		some = append(some, verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: key}))
	}
	for _, c := range r.Certificates {
		some = append(some, verifying.Config().UseCertificateVerifier(verifying.Certificate{
			CertificateChain: c.Chain, TSACertificateChain: c.TSAChain,
			Expected: verifying.ExpectedIdentity{
				Subject: c.Subject, Email: c.Email, URI: c.URI, DNS: c.DNS, Fingerprint: c.Fingerprint,
			},
		}))
	}
	for _, id := range r.Identities {
		some = append(some, verifying.Config().UseSigstoreVerifier(verifying.Sigstore{
			Identity: id.Identity, OIDCIssuer: id.Issuer, TrustConfig: id.TrustConfig,
		}))
	}
	return some
}

// verifier returns how to verify a model of that name: what any rule for it accepts. It reports false if there is none.
func (p policy) verifier(model string, maxFiles int) (verifying.Configuration, bool) {
	var some []verifying.Configuration
	for _, r := range p {
		if ok, _ := path.Match(r.models, model); ok { // the pattern was tried before
			some = append(some, r.accepted)
		}
	}
	return verifying.Config().UseAny(some...).SetHashingConfig(hashing.Config().SetMaxResources(maxFiles)), len(some) > 0
}
