// Package provenance makes and reads SLSA provenance of models: statements that say how a model was built, from which
// source, by which builder, with which data and packages. A signature says who published a model; provenance says
// where it came from.
//
// # Format
//
// [Marshal] writes an in-toto Statement v1 with the predicate SLSA provenance v1. It is signed in a bundle as a model's
// statement is (see package bundle):
//
//	_type                     https://in-toto.io/Statement/v1
//	subject[0]                the model: sha256 is the root digest of its manifest, dirHash that of its names and files
//	subject[1…]               its files, if all subjects are at most [MaxSubjects]: name, sha256
//	predicateType             https://slsa.dev/provenance/v1
//	predicate.buildDefinition
//	  buildType               [BuildType]
//	  externalParameters      source {uri, ref}, entryPoint, inputs
//	  internalParameters      trigger, packagesComplete
//	  resolvedDependencies    the source with its gitCommit, data, base models, packages; annotations: kind, rootDigest
//	predicate.runDetails
//	  builder                 id, version
//	  metadata                invocationId, startedOn, finishedOn
//	  byproducts[0]           the model once more; annotations: the predicate of its OMS signature, under its type
//
// The sha256 of the model is what the subject of its OMS signature has, so both are about the same contents. The
// root digest covers no names: dirHash does, and so do the resources in the byproduct, whatever their number. dirHash is
// that of the in-toto attestation framework (spec/v1/digest_set.md): Hash1 of golang.org/x/mod/sumdb/dirhash, in
// lower-case hexadecimal. A model that was hashed by shards, or with BLAKE2b or BLAKE3, has no SHA-256 of its files: its
// only subject is the whole model, without dirHash. So has one with a line break in a name, for which there is none.
//
// # Reading
//
// [Parse] reads what Marshal writes, strictly: what it does not know is an error, and subjects, byproduct and root digest
// must agree. Of other builders it reads Statement v0.1 and v1 with SLSA provenance v0.2 and v1, of at most [MaxForeign]
// bytes, and passes over what it does not know, since their build types are theirs to define; source, entry point and
// inputs are taken from those that it does, of GitHub and of slsa-github-generator. Members that occur twice, also in
// other case or with underscores, are always an error.
//
// Nothing in a statement is true because it stands there. Package verifying checks who signed it, and which of it the
// signer's certificate proves.
package provenance
