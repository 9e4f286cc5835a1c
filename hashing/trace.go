package hashing

import (
	"log/slog"

	"github.com/modelsigning/modelsigning/internal/span"
)

// end ends the span of a run, with what was hashed. Names of files are in no attribute.
func (w *walker) end(s *span.Span, r *Report, err error) {
	if s.On() {
		s.Set(slog.String("modelsigning.hash.serialization", string(w.serialization.Method)),
			slog.String("modelsigning.hash.algorithm", string(w.serialization.Algorithm)))
		if r != nil {
			var bytes int64
			for _, f := range w.files {
				bytes += f.size
			}
			s.Set(slog.Int("modelsigning.hash.files", len(w.files)),
				slog.Int("modelsigning.hash.resources", len(r.Manifest.Resources)), slog.Int64("modelsigning.hash.bytes", bytes))
		}
	}
	s.End(err)
}
