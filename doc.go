// Package modelsigning signs machine-learning models and verifies them, in the OpenSSF Model Signing format
// (OMS), version 1.0. Whoever publishes a model signs its files once; whoever loads it proves that they are, byte
// for byte, what the publisher released. A signature by the Python reference, model-signing, verifies here, and
// one that is made here verifies there, but for what the README lists.
//
// This package is documentation only. A model, which is a directory or a file, is signed with package signing:
//
//	err := signing.Config().
//		UseEllipticKeySigner(signing.EllipticKey{PrivateKey: "key.priv"}).
//		Sign("finbert", "finbert.sig")
//
// and verified with package verifying:
//
//	result, err := verifying.Config().
//		UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "key.pub"}).
//		Verify("finbert", "finbert.sig")
//
// Keys are one of four methods; the others are certificates, keys in hardware (PKCS #11), and Sigstore, which needs no
// key. If err is nil, every file that was signed is there with the content that was signed, and nothing else is but
// for what result.Ignored and result.Unsigned list. Result.Signer says whose signature it is.
//
// # The map
//
//	examples/…            programs: quickstart, and the command model-signing
//	   │
//	signing   verifying   configurations: how to hash, and who signs or is trusted
//	   │         │
//	hashing    bundle     files → manifest; statement ⇄ signature file, where the format is described
//	   │         │
//	   └ manifest ┘       what was hashed, and how; names; comparison
//
// Package bundle/provenance is about another statement, which says how a model was built (SLSA); its affected says which
// models were built with a package. Package verifying/tracing brings spans of OpenTelemetry to those who want them.
//
// The two halves meet only in package manifest: whoever has digests already signs them without package hashing,
// and whoever only hashes links nothing of signatures.
package modelsigning
