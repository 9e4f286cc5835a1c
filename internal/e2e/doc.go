// Package e2e starts a complete private Sigstore on this machine, for tests that sign and verify for real:
// an OpenID provider, a certificate transparency log, Fulcio, Rekor (version 2, or version 1 over Trillian)
// and a timestamp authority. They are the servers of those projects, built from their Go modules, each in a
// process of its own, and they listen on the loopback interface only.
//
//	stack := e2e.Start(t, e2e.Options{})
//	token := stack.Token(e2e.Claims{Email: "alice@example.com"})
//	// sign with stack.TrustConfigJSON and token, verify with stack.TrustedRootJSON
//
// The package is a module of its own so that importers of the library never meet its dependencies. The first
// build of the servers takes minutes; they are kept in the folder .bin beside this file.
package e2e
