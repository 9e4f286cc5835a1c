package main

import (
	"crypto/sha256"
	"time"

	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/verifying"
)

// The results of the commands as JSON. Names and meanings are promised in docs/command-line.md and in
// schema/output.schema.json: fields may be added there, and none changed.

// A digested is what the command digest has found.
type digested struct {
	Model string `json:"model"`
	content
}

// A signed is what the command sign has done.
type signed struct {
	Model     string `json:"model"`
	Signature string `json:"signature"`
	Replaced  bool   `json:"replaced"` // a file that was there
	Manifest  string `json:"manifest,omitempty"`
}

// A planned is what the command plan has done.
type planned struct {
	Model     string `json:"model"`
	Plan      string `json:"plan"`
	Slices    int    `json:"slices"`
	FileCount int    `json:"file_count"`
	Bytes     int64  `json:"bytes"`
	Inventory string `json:"inventory"`
}

func newPlanned(model, file string, p *manifest.Plan) planned {
	r := planned{Model: model, Plan: file, Slices: p.Slices, FileCount: len(p.Files), Inventory: p.Inventory().String()}
	for _, f := range p.Files {
		r.Bytes += f.Size
	}
	return r
}

// A hashedPart is what the command digest has found of a slice.
type hashedPart struct {
	Model         string `json:"model"`
	Part          string `json:"part"`
	Slice         int    `json:"slice"`
	Slices        int    `json:"slices"`
	Inventory     string `json:"inventory"`
	ResourceCount int    `json:"resource_count"`
}

func newPart(model, file string, p *manifest.Partial) hashedPart {
	r := hashedPart{model, file, p.Slice, p.Slices, p.Inventory.String(), 0}
	for _, s := range p.Segments {
		r.ResourceCount += len(s.Digests)
	}
	return r
}

// A merged is what the command merge has made.
type merged struct {
	Manifest  string `json:"manifest"`
	Rechecked int    `json:"rechecked"`
	content
}

// A verified is what the command verify has found.
type verified struct {
	Model     string `json:"model"`
	Signature string `json:"signature"`
	Signer    signer `json:"signer"`
	content
	Ignored  []string `json:"ignored"`
	Unsigned []string `json:"unsigned"`
	Unread   []string `json:"unread,omitempty"`
	Manifest string   `json:"manifest,omitempty"`
}

// A partiallyVerified is what the command verify has found with --only. It has a name of its own, so that no program takes
// it for more.
type partiallyVerified struct {
	verified
	Unchecked []string `json:"unchecked"`
}

// An approved is what the command verify --threshold has found.
type approved struct {
	Model      string     `json:"model"`
	Threshold  int        `json:"threshold"`
	Signers    int        `json:"signers"`
	Signatures []approval `json:"signatures"`
	Ignored    []string   `json:"ignored"`
	Unsigned   []string   `json:"unsigned"`
	Unread     []string   `json:"unread,omitempty"`
}

// An approval is one of the signatures: who made it, or why it was refused.
type approval struct {
	Signature string   `json:"signature"`
	Signer    *signer  `json:"signer,omitempty"`
	Error     *failure `json:"error,omitempty"`
}

// A content is what a manifest comes down to.
type content struct {
	RootDigest    string        `json:"root_digest"`
	Serialization serialization `json:"serialization"`
	ResourceCount int           `json:"resource_count"`
}

type serialization struct {
	Method        string   `json:"method"`
	HashType      string   `json:"hash_type"`
	ShardSize     int64    `json:"shard_size,omitempty"`
	AllowSymlinks bool     `json:"allow_symlinks"`
	IgnorePaths   []string `json:"ignore_paths"` // null if the signature does not record them
}

func newContent(m *manifest.Manifest) content {
	s := m.Serialization
	return content{
		RootDigest:    m.Root().String(),
		Serialization: serialization{string(s.Method), string(s.Algorithm), s.ShardSize, s.AllowSymlinks, s.IgnorePaths},
		ResourceCount: len(m.Resources),
	}
}

type signer struct {
	Method      string `json:"method"`
	Subject     string `json:"subject"`
	Issuer      string `json:"issuer,omitempty"`
	Certificate string `json:"certificate,omitempty"` // its digest
	Time        string `json:"time,omitempty"`
	TimeSource  string `json:"time_source,omitempty"`
}

func newSigner(id verifying.Identity) signer {
	s := signer{Method: string(id.Method), Subject: id.Subject, Issuer: id.Issuer, TimeSource: id.TimeSource}
	if len(id.Certificates) > 0 {
		s.Certificate = digestOf(id.Certificates[0].Raw)
	}
	if !id.Time.IsZero() {
		s.Time = id.Time.UTC().Format(time.RFC3339)
	}
	return s
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return manifest.NewDigest(manifest.SHA256, sum[:]).String()
}
