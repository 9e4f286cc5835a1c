package verifying

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/sigstore"
)

// Sigstore says which instance of Sigstore to trust, and whose signatures to accept. An identity is required:
// Sigstore certifies everybody.
type Sigstore struct {
	// Identity is who must have signed, and OIDCIssuer the OpenID provider that vouched for them; exactly.
	Identity, OIDCIssuer string
	// Identities are others who may have signed instead.
	Identities []SigstoreIdentity
	// UnsafeAcceptAnySigner accepts everybody who has an account with one of the instance's providers, which
	// for the public one is everybody. [Result.Signer] then says who it was. It excludes identities.
	UnsafeAcceptAnySigner bool

	// TrustConfig is the path of a TrustedRoot, or of a ClientTrustConfig, which holds one, in JSON, and
	// TrustConfigJSON its content. There is then no network access at all. With UseStaging it is the public
	// instance for tests. TUFMirror is the URL of a TUF repository of one's own, and TUFRoot the path of its
	// root.json. At most one of these ways may be used; without any it is the public instance.
	TrustConfig        string
	TrustConfigJSON    []byte
	UseStaging         bool
	TUFMirror, TUFRoot string
	// TUFCache is the folder where what comes through TUF is kept for the next program. If empty, it is kept in memory,
	// for all who use the configuration. With TUFCacheOnly there is no network access, and what is not there, or not
	// valid any more, is an error.
	TUFCache     string
	TUFCacheOnly bool
	// Proxy says which proxy a request goes through: nil is none, and [http.ProxyFromEnvironment] does what HTTPS_PROXY
	// and its like say.
	Proxy func(*http.Request) (*url.URL, error)
}

// A SigstoreIdentity is a condition on who signed. All fields that are set must hold; a subject and an issuer
// are required, each either exactly or as a regular expression, which must match all of it.
type SigstoreIdentity struct {
	Subject, SubjectRegexp string // an address of electronic mail, or the URI of a workload
	Issuer, IssuerRegexp   string // the URL of the OpenID provider
	Extensions             SigstoreExtensions
}

// SigstoreExtensions are what a certificate says of a workload besides its name. Which of them a provider fills
// in, and with what, is described at https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md, where each has
// the name that it has here. As a condition, what is empty is not looked at.
type SigstoreExtensions struct {
	Issuer                              string // not allowed as a condition: SigstoreIdentity has it
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

// UseSigstoreVerifier accepts signatures that Sigstore has certified for an identity and recorded in a log.
// Files are read at once; [Configuration.Err] tells if that did not work. What comes through TUF is fetched when
// it is first needed, shared by all who use the configuration, and fetched again after a day.
func (c Configuration) UseSigstoreVerifier(o Sigstore) Configuration {
	v, err := newSigstoreVerifier(o)
	if err != nil {
		return c.use(nil, err)
	}
	return c.use(v, nil)
}

type sigstoreVerifier struct{ *sigstore.Verifier }

func newSigstoreVerifier(o Sigstore) (v sigstoreVerifier, err error) {
	trust, err := sigstore.Trust{
		JSON: o.TrustConfigJSON, Staging: o.UseStaging, Mirror: o.TUFMirror, CacheDir: o.TUFCache,
		CacheOnly: o.TUFCacheOnly, Proxy: o.Proxy,
	}.ReadFiles(o.TrustConfig, o.TUFRoot)
	if err != nil {
		return v, fmt.Errorf("sigstore: %w", err)
	}
	if v.Verifier, err = sigstore.NewVerifier(trust, o.policy()); err != nil {
		return v, fmt.Errorf("sigstore: %w", err)
	}
	return v, nil
}

func (o Sigstore) policy() sigstore.Policy {
	p := sigstore.Policy{UnsafeAnySigner: o.UnsafeAcceptAnySigner}
	ids := o.Identities
	if o.Identity != "" || o.OIDCIssuer != "" {
		ids = append([]SigstoreIdentity{{Subject: o.Identity, Issuer: o.OIDCIssuer}}, ids...)
	}
	for _, id := range ids {
		p.Identities = append(p.Identities, sigstore.Identity{
			Subject: id.Subject, SubjectRegexp: id.SubjectRegexp, Issuer: id.Issuer, IssuerRegexp: id.IssuerRegexp,
			Extensions: sigstore.Extensions(id.Extensions),
		})
	}
	return p
}

func (v sigstoreVerifier) Verify(ctx context.Context, b *bundle.Bundle) ([]byte, Identity, error) {
	if err := checkMethod(b, bundle.Sigstore); err != nil {
		return nil, Identity{}, err
	}
	if err := b.Validate(); err != nil { // Sigstore's client takes it for granted
		return nil, Identity{}, err
	}
	got, err := v.Verifier.Verify(ctx, b)
	if err != nil {
		return nil, Identity{}, sigstoreError(err)
	}
	return got.Statement, Identity{
		Method:       bundle.Sigstore,
		Subject:      got.Subject,
		Issuer:       got.Issuer,
		PublicKey:    got.Certificates[0].PublicKey,
		Certificates: got.Certificates,
		Time:         got.Time,
		TimeSource:   got.TimeSource,
		Extensions:   SigstoreExtensions(got.Extensions),
	}, nil
}

// sigstoreError says it with the errors of this package.
func sigstoreError(err error) error {
	failed := new(sigstore.Error)
	if !errors.As(err, &failed) {
		return err
	}
	kind := failed.Kind
	switch kind {
	case sigstore.ErrSignature:
		kind = ErrSignature
	case sigstore.ErrLog:
		kind = ErrLog
	case sigstore.ErrTime:
		kind = ErrTimestamp
	case sigstore.ErrCertificate:
		kind = ErrCertificate
	case sigstore.ErrIdentity:
		kind = ErrIdentity
	}
	return fmt.Errorf("%w: %w", kind, failed.Err)
}
