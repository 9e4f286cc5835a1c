package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/manifest"
)

// claims are what a bundle says, none of it verified.
type claims struct {
	Bundle     string        `json:"bundle"`
	MediaType  string        `json:"media_type"`
	Method     string        `json:"method"`
	Signer     claimedSigner `json:"signer"`
	LogEntries []logEntry    `json:"log_entries"`
	Timestamps []timestamp   `json:"timestamps"`
	Statement  statement     `json:"statement"`
}

type logEntry struct {
	Index          int64  `json:"index"`
	LogID          string `json:"log_id"`
	Kind           string `json:"kind,omitempty"`
	IntegratedTime string `json:"integrated_time,omitempty"`
}

type statement struct {
	PredicateType string `json:"predicate_type"`
	Subject       string `json:"subject"`
	RootDigest    string `json:"root_digest"`
	// RootDigestFrom says where that is from.
	RootDigestFrom rootDigestSource `json:"root_digest_from"`
	Serialization  serialization    `json:"serialization"`
	FileCount      int              `json:"file_count"`
	Size           int64            `json:"size,omitempty"`
	ResourceCount  int              `json:"resource_count"`
	Resources      []resource       `json:"resources"`
}

// A rootDigestSource says whether the statement has a root digest. If so, it is that of its resources, or else the
// statement would not be one.
type rootDigestSource string

const (
	statedDigest   rootDigestSource = "statement"
	computedDigest rootDigestSource = "resources"
)

func (s rootDigestSource) String() string {
	if s == statedDigest {
		return "recomputed from the resources: agrees"
	}
	return "computed from the resources: this old format states none"
}

type resource struct {
	Name   string `json:"name"`
	Digest string `json:"digest"`
}

// newClaims reads a bundle. It shows so many resources, all of them if that is negative.
func newClaims(name string, b *bundle.Bundle, atMost int) (*claims, error) {
	m, err := bundle.ParseStatement(b.UnverifiedStatement())
	if err != nil {
		return nil, err
	}
	c := &claims{
		Bundle:     name,
		MediaType:  b.Proto().GetMediaType(),
		Method:     string(b.Method()),
		Signer:     newClaimedSigner(b),
		LogEntries: []logEntry{},
		Timestamps: []timestamp{},
		Statement:  newStatement(m, atMost),
	}
	if c.Statement.PredicateType, err = predicateType(b.UnverifiedStatement()); err != nil {
		return nil, err
	}
	for _, e := range b.Proto().GetVerificationMaterial().GetTlogEntries() {
		entry := logEntry{Index: e.GetLogIndex(), LogID: hex.EncodeToString(e.GetLogId().GetKeyId())}
		if kind := e.GetKindVersion(); kind != nil {
			entry.Kind = kind.GetKind() + " " + kind.GetVersion()
		}
		// Newer logs leave the time to timestamp authorities; RFC 3339 ends with the year 9999.
		if at := e.GetIntegratedTime(); at > 0 && at < 253402300800 {
			entry.IntegratedTime = utc(time.Unix(at, 0))
		}
		c.LogEntries = append(c.LogEntries, entry)
	}
	for _, response := range b.Timestamps() {
		c.Timestamps = append(c.Timestamps, newTimestamp(response))
	}
	return c, nil
}

// predicateType reads it from a statement, which has one if it has been parsed.
func predicateType(data []byte) (string, error) {
	var s struct {
		PredicateType string `json:"predicateType"`
	}
	err := json.Unmarshal(data, &s)
	return s.PredicateType, err
}

func newStatement(m *manifest.Manifest, atMost int) statement {
	c := newContent(m)
	s := statement{
		Subject: m.Name, RootDigest: c.RootDigest, RootDigestFrom: statedDigest,
		Serialization: c.Serialization, ResourceCount: c.ResourceCount,
	}
	if m.Name == "" { // of release 0.2.0, whose subjects are the files
		s.RootDigestFrom = computedDigest
	}
	files := map[string]struct{}{}
	for _, r := range m.Resources {
		files[r.Path] = struct{}{}
		s.Size += r.End - r.Start
	}
	s.FileCount = len(files)
	if atMost < 0 {
		atMost = len(m.Resources)
	}
	s.Resources = make([]resource, min(atMost, len(m.Resources)))
	for i := range s.Resources {
		r := m.Resources[i]
		s.Resources[i] = resource{r.Name(), r.Digest.String()}
	}
	return s
}

func (s serialization) String() string {
	text := s.Method + " with " + s.HashType
	if s.ShardSize > 0 {
		text = fmt.Sprintf("shards of %d bytes with %s", s.ShardSize, s.HashType)
	}
	if s.AllowSymlinks {
		return text + ", following symbolic links"
	}
	return text
}

func utc(t time.Time) string { return t.UTC().Format(time.RFC3339) }
