package verifying

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// String says who signed in one line, for people: by which method, and what else is known of the signer.
func (id Identity) String() string {
	var b strings.Builder
	for _, a := range id.attrs() {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s=%.500q", a.Key, a.Value)
	}
	return b.String()
}

// LogValue is a group of what is known of the signer: method, subject, issuer, certificate (the SHA-256 of its DER in
// hexadecimal), time and time_source.
func (id Identity) LogValue() slog.Value { return slog.GroupValue(id.attrs()...) }

func (id Identity) attrs() []slog.Attr {
	all := []slog.Attr{
		slog.String("method", string(id.Method)), slog.String("subject", id.Subject), slog.String("issuer", id.Issuer),
	}
	if len(id.Certificates) > 0 {
		sum := sha256.Sum256(id.Certificates[0].Raw)
		all = append(all, slog.String("certificate", hex.EncodeToString(sum[:])))
	}
	if !id.Time.IsZero() {
		all = append(all, slog.String("time", id.Time.UTC().Format(time.RFC3339)), slog.String("time_source", id.TimeSource))
	}
	known := all[:0]
	for _, a := range all {
		if a.Value.String() != "" {
			known = append(known, a)
		}
	}
	return known
}
