package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/bundle/provenance"
	"github.com/spf13/cobra"
)

// maxInspected is the largest bundle in bytes that is read without being asked to: more than a million files.
const maxInspected = 256 << 20

func newInspect() *cobra.Command {
	var all bool
	var limit int64
	c := &cobra.Command{
		Use:   "inspect BUNDLE",
		Short: "Show what a signature claims, without verifying any of it",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("one BUNDLE is expected, not %d: %q", len(args), args)}
			}
			return notEmptyPaths("BUNDLE", args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if limit <= 0 {
				return usageError{fmt.Errorf("--max-bundle-size: %d is not positive", limit)}
			}
			b, err := bundle.ReadFileLimit(args[0], limit)
			if err != nil {
				return err
			}
			atMost := shown
			if all {
				atMost = -1
			}
			claims, err := newClaims(args[0], b, atMost)
			switch {
			case err != nil && isProvenance(b):
				return malformedError{fmt.Errorf("%s: is provenance, and not a model's signature: see model-signing provenance verify", args[0])}
			case err != nil:
				return fmt.Errorf("%s: %w", args[0], err)
			}
			return report(c, "unverified", claims, claims.print)
		},
	}
	c.Flags().BoolVar(&all, "all", false, fmt.Sprintf("show all resources, not only the first %d", shown))
	c.Flags().Int64Var(&limit, "max-bundle-size", maxInspected, "read bundles of at most this many `BYTES`")
	return c
}

// isProvenance reports whether a bundle says that it is how a model was built.
func isProvenance(b *bundle.Bundle) bool {
	kind, err := predicateType(b.UnverifiedStatement())
	return err == nil && (kind == provenance.PredicateType || kind == provenance.PredicateTypeV02)
}

// print writes a line for each claim. All of them say what they are, since lines get copied alone.
func (c *claims) print(w io.Writer) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "unverified  %-14s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("method", "%s", c.Method)
	c.Signer.print(line)
	for _, e := range c.LogEntries {
		line("log entry", "%d of log %s%s", e.Index, quoted(e.LogID), at(e.IntegratedTime))
	}
	for _, t := range c.Timestamps {
		line("timestamp", "%s%s", t.Time, t.Error)
	}
	s := c.Statement
	line("predicate type", "%s", quoted(s.PredicateType))
	if s.Subject != "" {
		line("model", "%s", quoted(s.Subject))
	}
	line("root digest", "%s (%s)", s.RootDigest, s.RootDigestFrom)
	line("hashed", "%s", s.Serialization)
	for i, p := range s.Serialization.IgnorePaths {
		if i == shown && s.ResourceCount > len(s.Resources) {
			line("ignores", "… and %d more", len(s.Serialization.IgnorePaths)-shown)
			break
		}
		line("ignores", "%s", quoted(p))
	}
	line("files", "%d", s.FileCount)
	if s.Size > 0 {
		line("size", "%d bytes", s.Size)
	}
	line("resources", "%d", s.ResourceCount)
	for _, r := range s.Resources {
		line("resource", "%s  %s", r.Digest, quoted(r.Name))
	}
	if more := s.ResourceCount - len(s.Resources); more > 0 {
		line("resource", "… and %d more; --all shows them", more)
	}
}

func (s *claimedSigner) print(line func(name, format string, args ...any)) {
	switch {
	case s.KeyHint != "":
		line("key", "%s", quoted(s.KeyHint))
	case len(s.Certificates) == 0:
		line("key", "not named")
	}
	for i, c := range s.Certificates {
		name := "certificate"
		if i > 0 {
			name = "authority"
		}
		if c.Error != "" {
			line(name, "%s: %s", c.SHA256, quoted(c.Error))
			continue
		}
		line(name, "%s", c.SHA256)
		if c.Subject != "" { // those of Sigstore have none
			line("  subject", "%s", quoted(c.Subject))
		}
		line("  issuer", "%s", quoted(c.Issuer))
		line("  valid", "%s to %s", c.NotBefore, c.NotAfter)
		for _, n := range c.Names {
			line("  name", "%s", quoted(n))
		}
		if c.OIDCIssuer != "" {
			line("  vouched by", "%s", quoted(c.OIDCIssuer))
		}
	}
}

func at(when string) string {
	if when == "" {
		return ""
	}
	return " at " + when
}

// quoted keeps what a stranger chose on its line, and that line from filling the screen.
func quoted(s string) string {
	const most = 1000
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strconv.QuoteToGraphic(s)
}
