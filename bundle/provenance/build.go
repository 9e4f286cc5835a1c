package provenance

import (
	"time"

	"github.com/modelsigning/modelsigning/manifest"
)

const (
	// PredicateType is SLSA provenance v1, and PredicateTypeV02 the one before it, which is only read.
	PredicateType    = "https://slsa.dev/provenance/v1"
	PredicateTypeV02 = "https://slsa.dev/provenance/v0.2"
	// BuildType is how this package describes a build. Its documentation is at this address.
	BuildType = "https://github.com/modelsigning/modelsigning/blob/main/docs/provenance.md#build-type-v1"
)

const (
	// MaxSubjects is how many subjects a statement may have. It is what Sigstore's tools accept.
	MaxSubjects = 1024
	// MaxDependencies is how many dependencies a statement may have.
	MaxDependencies = 1 << 16
	// MaxInputs is how many inputs a build may have.
	MaxInputs = 64
	// MaxForeign is the largest statement of another builder in bytes.
	MaxForeign = 16 << 20
)

// A Build says how a model was built. In what [Parse] returns, it is what the signer says.
type Build struct {
	// Source is where the code that ran came from.
	Source Source
	// EntryPoint is what ran: the path, in the source, of a workflow or a script. It may be empty.
	EntryPoint string
	// Inputs are the parameters that whoever started the build gave it. They must hold no secrets.
	Inputs map[string]string
	// Trigger is what started the build, such as "push". It may be empty.
	Trigger string
	// Dependencies are what else went into the build: data, base models, packages. The source is not among them.
	Dependencies []Descriptor
	// PackagesComplete says that the packages among the dependencies are all that were installed. Where it is
	// false, nothing follows from the absence of one.
	PackagesComplete bool
	// Builder is who ran the build. Its ID is required.
	Builder Builder
	// InvocationID names the run, best by its URL. It may be empty.
	InvocationID string
	// StartedOn and FinishedOn are when the run began and ended, to the second; zero if unknown.
	StartedOn, FinishedOn time.Time
}

// A Source is a git repository at some commit. The zero value is none.
type Source struct {
	// URI is the repository's URL, without credentials: https://github.com/example/finbert.
	URI string
	// Ref is the reference in full: refs/heads/main, refs/tags/v1. It may be empty.
	Ref string
	// Commit is the commit's hash in lower-case hexadecimal. It may be empty.
	Commit string
}

// A Builder is what has run a build, and is trusted to tell the truth about it.
type Builder struct {
	// ID is a URI. Of a workflow that signs with Sigstore it is the workflow's identity, as its certificate has it:
	// https://github.com/example/finbert/.github/workflows/train.yml@refs/heads/main.
	ID string
	// Version maps names of the builder's components to their versions. It may be nil.
	Version map[string]string
}

// A Kind is the part that a dependency had in a build.
type Kind string

const (
	Dataset   Kind = "dataset"   // training, validation or test data
	BaseModel Kind = "baseModel" // a model that was trained further, or whose weights were used
	Package   Kind = "package"   // software that was installed: the URI is a package URL
	// code that ran; [Build.Source] is written as one
	source Kind = "source"
)

// A Descriptor names a dependency: a ResourceDescriptor of in-toto, which must have a URI or a digest.
type Descriptor struct {
	// Kind is empty for those of other builders.
	Kind Kind
	// Name is for people.
	Name string
	// URI says which it is, without credentials: a URL, or a package URL such as pkg:pypi/torch@2.5.1.
	URI string
	// Digest maps names of algorithms to hashes, as in-toto's digest_set.md has them: sha256, gitCommit.
	Digest map[string]string
	// RootDigest says that the sha256 is that of a manifest (see [manifest.Manifest.Root]), not of one file.
	RootDigest bool
	// DownloadLocation is where it was fetched, and MediaType what it is. Both may be empty.
	DownloadLocation, MediaType string
}

// Describe returns the descriptor of data or of a base model that was hashed as models are: its root digest, and its
// dirHash if it has one. The URI may be empty.
func Describe(k Kind, uri string, m *manifest.Manifest) Descriptor {
	return Descriptor{Kind: k, Name: m.Name, URI: uri, Digest: wholeModel(m).Digest, RootDigest: true}
}

// A Subject is what provenance is about: a model, or one of its files.
type Subject struct {
	Name   string
	Digest map[string]string
}

// A Statement is provenance that was read. It must not be changed where many goroutines use it.
type Statement struct {
	// PredicateType is [PredicateType] or [PredicateTypeV02].
	PredicateType string
	// BuildType is how the build is described. If it is [BuildType], the statement is of this package's form, and
	// Manifest is there.
	BuildType string
	// Subjects are in the order in which they are listed.
	Subjects []Subject
	// Build is what the statement says of the build, as far as its build type is known.
	Build Build
	// Manifest is the model's, names and digests, or nil if the statement is of another form. It is well-formed.
	Manifest *manifest.Manifest
}
