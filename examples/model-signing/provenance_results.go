package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/modelsigning/modelsigning/verifying"
)

// An attested is what the command provenance create has done.
type attested struct {
	Model      string `json:"model"`
	Provenance string `json:"provenance"`
	Replaced   bool   `json:"replaced"` // a file that was there
}

// A provenanceResult is what the command provenance verify has found.
type provenanceResult struct {
	Model      string      `json:"model"`
	Provenance string      `json:"provenance"`
	Signer     signer      `json:"signer"`
	Claims     buildClaims `json:"claims"`
	// Level is the SLSA build level.
	Level int `json:"level"`
	content
	Ignored  []string `json:"ignored"`
	Unsigned []string `json:"unsigned"`
	Absent   []string `json:"absent"`
	// Unread are pointers of Git LFS that were followed.
	Unread []string `json:"unread,omitempty"`
	// Signature is the model's, if that was verified, too, and ModelSigner who made it.
	Signature   string  `json:"signature,omitempty"`
	ModelSigner *signer `json:"model_signer,omitempty"`
}

// buildClaims are what the provenance says, by the names of the library. What is empty is neither said nor proven.
type buildClaims struct {
	Builder    buildClaim `json:"builder"`
	Source     buildClaim `json:"source"`
	Ref        buildClaim `json:"ref"`
	Commit     buildClaim `json:"commit"`
	EntryPoint buildClaim `json:"entry_point"`
	Trigger    buildClaim `json:"trigger"`
	Invocation buildClaim `json:"invocation"`
}

type buildClaim struct {
	Value  string `json:"value"`
	Proven bool   `json:"proven"`
}

func newProvenanceResult(model, file string, p *verifying.Provenance, joined *verifying.Result, signature string) provenanceResult {
	r := provenanceResult{
		Model: model, Provenance: file, Signer: newSigner(p.Signer), Level: p.Level, content: newContent(p.Manifest),
		Claims: buildClaims{
			buildClaim(p.Builder), buildClaim(p.Source), buildClaim(p.Ref), buildClaim(p.Commit), buildClaim(p.EntryPoint), buildClaim(p.Trigger), buildClaim(p.Invocation),
		},
		Ignored: list(p.Ignored), Unsigned: list(p.Unsigned), Absent: list(p.Absent), Unread: p.Unread,
	}
	if joined != nil {
		s := newSigner(joined.Signer)
		r.Signature, r.ModelSigner = signature, &s
	}
	return r
}

func printProvenance(w io.Writer, p *verifying.Provenance, joined *verifying.Result) {
	fmt.Fprintf(w, "Provenance verified: SLSA build level %d, signed by %s %s\n", p.Level, p.Signer.Method, printable(p.Signer.Subject))
	if joined != nil {
		fmt.Fprintf(w, "Signature verified: of the same files, signed by %s %s\n", joined.Signer.Method, printable(joined.Signer.Subject))
	}
	for _, c := range []struct {
		name string
		verifying.Claim
	}{
		{"builder", p.Builder}, {"source", p.Source}, {"ref", p.Ref}, {"commit", p.Commit},
		{"entry point", p.EntryPoint}, {"trigger", p.Trigger}, {"invocation", p.Invocation},
	} {
		if c.Value == "" {
			continue
		}
		how := "asserted"
		if c.Proven {
			how = "proven"
		}
		fmt.Fprintf(w, "  %-11s %s (%s)\n", c.name, claimText(c.Value), how)
	}
}

// claimText keeps a claim from saying itself that it is proven, or from going on, behind blanks, as another line would.
// Claims are URIs and paths, which hold neither spaces nor anything but ASCII.
func claimText(s string) string {
	const maxClaim = 1000
	strange := func(r rune) bool { return r <= ' ' || r > '~' }
	if len(s) <= maxClaim && !strings.ContainsFunc(s, strange) {
		return s
	}
	more := ""
	if len(s) > maxClaim {
		s, more = strings.ToValidUTF8(s[:maxClaim], ""), "…"
	}
	return strings.ReplaceAll(strconv.QuoteToASCII(s), "  ", `\x20\x20`) + more
}
