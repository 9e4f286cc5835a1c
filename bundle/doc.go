// Package bundle reads and writes signatures: the OpenSSF Model Signing format (OMS), version 1.0.
//
// # Format
//
// A signature is one file that holds four layers, from the outside in:
//
//	Sigstore bundle (JSON)      mediaType application/vnd.dev.sigstore.bundle.v0.3+json
//	  verificationMaterial      publicKey | x509CertificateChain | certificate,
//	                            with tlogEntries and timestampVerificationData
//	  dsseEnvelope              DSSE v1: payloadType application/vnd.in-toto+json, exactly one signature
//	    payload (base64)        in-toto Statement v1: _type https://in-toto.io/Statement/v1
//	      subject[0]            name of the model, sha256 its root digest
//	      predicateType         https://model_signing/signature/v1.0
//	      predicate             serialization (how the files were hashed), resources (their digests)
//
// The signature is over the DSSE pre-authentication encoding ([PAE]) of the payload's bytes as they stand in
// the bundle; they are never serialised again. Elliptic-curve keys sign with ECDSA, in ASN.1 (DER): with SHA-256 on the
// curve P-256, SHA-384 on P-384 and SHA-512 on P-521. [MarshalStatement] and [ParseStatement] translate between a payload and a
// [manifest.Manifest].
//
// The member of verificationMaterial tells the [Method]:
//
//	key          publicKey.hint is the lower-case hexadecimal SHA-256 of the key's PEM encoding: the SubjectPublicKeyInfo
//	             in a block PUBLIC KEY with lines of 64 characters, as encoding/pem writes it. Before release 1.1 of
//	             the Python reference: rawBytes and keyDetails, and no hint
//	certificate  x509CertificateChain, leaf first
//	sigstore     certificate, and at least one entry in tlogEntries
//
// # Reading
//
// [Parse] trusts nothing. It refuses, with an error that wraps [ErrMalformed] and names the field: unknown
// members of the bundle, the envelope, the signature, the statement, the predicate and the serialization;
// members that occur twice, also in other case or with underscores; data behind the end; any number of
// signatures but one; verification material of no method or of two; other media or payload types; more than
// [MaxSize] bytes, [MaxMaterial] bytes of verification material, 256 KiB of log entries, or the limits of nesting and
// members of RFC 8259 readers that this one sets (32 and 64).
//
// Both spellings of protobuf's JSON names are read (media_type, mediaType), and null stands for an absent
// member. Nothing in a bundle is true before a verifier has said so: what can be read from a Bundle is named
// accordingly.
//
// # Old formats
//
// Everything that releases 0.2.0 to 1.1.1 of the reference wrote can be read: release 0.2.0 had one subject
// for each file, under predicate type https://model_signing/Digests/v0.1, and signed another encoding of the
// payload ([LegacyPAE]); releases before 1.1 did not record ignored paths; the only file of a model was
// called "."; shards had the algorithm sha256-sharded-N. None of this is ever written.
package bundle
