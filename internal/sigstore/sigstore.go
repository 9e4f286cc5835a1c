// Package sigstore signs statements keylessly and verifies such signatures. It is the only package that
// imports sigstore-go; with the build tag nosigstore it does not either, and [NewSigner] and [NewVerifier]
// return [ErrNotBuilt].
//
// Signing makes a key that lives for one signature, has Fulcio certify it for an identity token, and records
// the signature in Rekor. Verifying checks the certificate, the log entry, the time and the identity.
package sigstore

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/modelsigning/modelsigning/internal/transport"
)

var (
	// ErrNotBuilt is the error of a build without Sigstore.
	ErrNotBuilt = errors.New("this program was built without Sigstore (build tag nosigstore)")

	// ErrSignature says that the signature is not over the statement, or not by the certificate's key.
	ErrSignature = errors.New("signature does not fit the statement")
	// ErrLog says that no transparency log that is trusted has recorded this very signature.
	ErrLog = errors.New("transparency log entry not trusted")
	// ErrTime says that neither a timestamp authority nor a log that is trusted proves the time of signing.
	ErrTime = errors.New("time of signing not proven")
	// ErrCertificate says that no authority that is trusted has issued the certificate, or not for that time.
	ErrCertificate = errors.New("certificate not trusted")
	// ErrIdentity says that somebody else signed.
	ErrIdentity = errors.New("signed by another identity")
)

// An Error says which of the checks failed, and how.
type Error struct {
	Kind error // one of the above, or bundle.ErrMalformed
	Err  error
}

// Error is one line; what sigstore-go says may have several.
func (e *Error) Error() string {
	return fmt.Sprintf("%v: %s", e.Kind, strings.Join(strings.Fields(e.Err.Error()), " "))
}

func (e *Error) Unwrap() []error { return []error{e.Kind, e.Err} }

// A ServiceError says which server failed. If the context ended first, it wraps ctx.Err().
type ServiceError struct {
	Service string // such as "Fulcio"
	URL     string
	Err     error
}

func (e *ServiceError) Error() string { return fmt.Sprintf("%s at %s: %v", e.Service, e.URL, e.Err) }
func (e *ServiceError) Unwrap() error { return e.Err }

// Trust says which instance of Sigstore to use. The zero value is the public good instance, whose keys come
// through TUF from its repository.
type Trust struct {
	// JSON is a ClientTrustConfig, or, for verifying, a TrustedRoot. There is no network access for it.
	JSON []byte
	// Staging stands for the public instance for tests.
	Staging bool
	// Mirror is the URL of another TUF repository. MirrorRoot, its root.json, is required with it.
	Mirror     string
	MirrorRoot []byte
	// CacheDir is where TUF keeps its files. If empty, they are kept in memory.
	CacheDir string
	// CacheOnly forbids network access: what TUF has kept is used, as long as it is valid.
	CacheOnly bool
	// Refresh is how long what came through TUF is used before it is asked for again; a day if zero. If that
	// fails, it is used for a week from when it came, and asked for again every ten minutes.
	Refresh time.Duration
	// Proxy is for requests to the instance's servers.
	Proxy transport.Proxy

	file string // where JSON was read, if that was a file
}

// ReadFiles returns t with what lies in files, where they are named: its JSON and its MirrorRoot.
func (t Trust) ReadFiles(config, mirrorRoot string) (Trust, error) {
	if config != "" && t.JSON != nil {
		return t, errors.New("both a trust configuration and the file of one are given")
	}
	var err error
	if config != "" {
		if t.JSON, err = os.ReadFile(config); err != nil {
			return t, err
		}
		t.file = config
	}
	if mirrorRoot != "" {
		t.MirrorRoot, err = os.ReadFile(mirrorRoot)
	}
	return t, err
}

// SignerOptions configure [NewSigner].
type SignerOptions struct {
	Trust Trust
	// Token returns an identity token. Issuer is the OpenID provider that the instance names, or empty.
	Token func(ctx context.Context, issuer string) (string, error)
}

// A Policy says whose signatures are accepted: those of any of the identities.
type Policy struct {
	Identities []Identity
	// UnsafeAnySigner accepts everybody whom the instance has certified, and that is everybody. It excludes
	// Identities.
	UnsafeAnySigner bool
}

// An Identity is a condition on certificates. Subject and issuer are required, each in one of two ways, and
// all of the fields that are set must hold.
type Identity struct {
	// Subject is exactly the certificate's alternative name: an email address, or the URI of a workload.
	// SubjectRegexp must match all of it.
	Subject, SubjectRegexp string
	// Issuer is exactly the OpenID provider that vouched for it. IssuerRegexp must match all of it.
	Issuer, IssuerRegexp string
	// Extensions must have the values of all fields that are not empty.
	Extensions Extensions
}

// Extensions are what Fulcio certifies of a workload besides its name, 1.3.6.1.4.1.57264.1 of its registry.
type Extensions struct {
	Issuer                              string
	GithubWorkflowTrigger               string
	GithubWorkflowSHA                   string
	GithubWorkflowName                  string
	GithubWorkflowRepository            string
	GithubWorkflowRef                   string
	BuildSignerURI                      string
	BuildSignerDigest                   string
	RunnerEnvironment                   string
	SourceRepositoryURI                 string
	SourceRepositoryDigest              string
	SourceRepositoryRef                 string
	SourceRepositoryIdentifier          string
	SourceRepositoryOwnerURI            string
	SourceRepositoryOwnerIdentifier     string
	BuildConfigURI                      string
	BuildConfigDigest                   string
	BuildTrigger                        string
	RunInvocationURI                    string
	SourceRepositoryVisibilityAtSigning string
}

// Verified is what a signature proves.
type Verified struct {
	// Statement are the bytes whose signature was checked.
	Statement []byte
	// Subject and Issuer are who signed, and Extensions what else the certificate says.
	Subject, Issuer string
	Extensions      Extensions
	// Certificates is the chain that was verified, leaf first.
	Certificates []*x509.Certificate
	// Time is when the signature existed, the earliest that is proven, and TimeSource by whom.
	Time       time.Time
	TimeSource string
}
