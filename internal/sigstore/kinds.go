//go:build !nosigstore

package sigstore

import (
	"encoding/json"
	"fmt"

	"github.com/modelsigning/modelsigning/bundle"
)

// checkKinds refuses a log entry whose kind, as the bundle has it, is not what the log has recorded. sigstore-go only
// reads the record, and then the bundle would say something that nobody has signed.
func checkKinds(b *bundle.Bundle) error {
	for i, e := range b.Proto().GetVerificationMaterial().GetTlogEntries() {
		var record struct {
			Kind    string `json:"kind"`
			Version string `json:"apiVersion"`
		}
		if err := json.Unmarshal(e.GetCanonicalizedBody(), &record); err != nil {
			return &Error{ErrLog, fmt.Errorf("entry %d: %w", i+1, err)}
		}
		if k := e.GetKindVersion(); k != nil && (k.GetKind() != record.Kind || k.GetVersion() != record.Version) {
			return &Error{ErrLog, fmt.Errorf("entry %d: is %.40q of version %.40q in the bundle, and %.40q of version %.40q in the log",
				i+1, k.GetKind(), k.GetVersion(), record.Kind, record.Version)}
		}
	}
	return nil
}
