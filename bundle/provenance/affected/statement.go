package affected

import "github.com/modelsigning/modelsigning/bundle/provenance"

// FromStatement returns the list of the packages among the dependencies of a statement, which should have been verified
// before: it is what its signer says. Of other builders than this library's no list is known to be complete.
func FromStatement(s *provenance.Statement) List {
	var uris []string
	for _, d := range s.Build.Dependencies {
		uris = append(uris, d.URI)
	}
	return ListOf(uris, s.Build.PackagesComplete)
}
