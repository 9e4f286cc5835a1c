package signing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/modelsigning/modelsigning/internal/oidc"
	"github.com/modelsigning/modelsigning/internal/sigstore"
)

// Sign signs a model with the public instance of Sigstore and the identity of whoever logs in with a browser.
// It is Config().UseSigstoreSigner(Sigstore{}).Sign(model, signature).
func Sign(model, signature string) error {
	return Config().UseSigstoreSigner(Sigstore{}).Sign(model, signature)
}

// Sigstore says how to sign without a key of one's own: which instance of Sigstore, and whose identity. The
// zero value is the public instance and a person with a browser.
//
// The identity is proven by a token. It comes from the first of these that is set: TokenSource, IdentityToken,
// UseAmbientCredentials; or else a person is asked. Tokens live for minutes only, so it is fetched after the
// model was hashed. Neither tokens nor secrets appear in errors or bundles. The identity does, for everybody
// to see, and the public instance publishes it in a log that forgets nothing.
type Sigstore struct {
	// OIDCIssuer is the URL of the OpenID provider where people log in, if it is not the instance's.
	OIDCIssuer string
	// ClientID is the client to log in as, and the audience of ambient tokens, "sigstore" if empty. ClientSecret
	// is its secret, if it has one.
	ClientID, ClientSecret string

	// IdentityToken is the token, where the caller has it already.
	IdentityToken string
	// UseAmbientCredentials asks the machine for its identity: GitHub Actions, SIGSTORE_ID_TOKEN as in GitLab
	// CI, Google Cloud, Buildkite, a SPIFFE agent, or a token file that Kubernetes mounts at
	// /var/run/sigstore/cosign/oidc-token or that SIGSTORE_ID_TOKEN_FILE names; the first that is there. If
	// none is there, that is an error. Nothing else here reads the environment.
	UseAmbientCredentials bool
	// TokenSource returns a token. It must be safe for use by many goroutines if the configuration is used so.
	TokenSource func(ctx context.Context) (token string, err error)

	// ForceOOB has the person copy a code, for machines without a browser, and UseDeviceFlow has them enter
	// one. At most one may be set. Otherwise a browser is opened, and if none can be, a code is copied.
	ForceOOB, UseDeviceFlow bool
	// OpenBrowser shows a URL to the person, in place of the system's browser. It may block; ctx ends with
	// the login.
	OpenBrowser func(ctx context.Context, url string) error
	// Output is where the person reads what to do, os.Stderr if nil, and Input where a code is typed, os.Stdin
	// if nil.
	Output io.Writer
	Input  io.Reader

	// TrustConfig is the path of a ClientTrustConfig in JSON, for private instances, and TrustConfigJSON its
	// content. With UseStaging it is the public instance for tests. TUFMirror is the URL of a TUF repository of
	// one's own, and TUFRoot the path of its root.json. At most one of these ways may be used.
	TrustConfig        string
	TrustConfigJSON    []byte
	UseStaging         bool
	TUFMirror, TUFRoot string
	// TUFCache is the folder where what comes through TUF is kept for the next program. If empty, it is kept in memory,
	// for all who use the configuration.
	TUFCache string
	// Proxy says which proxy a request goes through: nil is none, and [http.ProxyFromEnvironment] does what HTTPS_PROXY
	// and its like say.
	Proxy func(*http.Request) (*url.URL, error)
}

// UseSigstoreSigner signs with a key that lives for one signature, which Sigstore certifies for an identity and
// records in a log. Files are read at once; [Configuration.Err] tells if that did not work. Before a model is
// hashed, the instance's description is fetched, if that was not given. The new signature is verified before it
// is written. Errors name the server that failed.
func (c Configuration) UseSigstoreSigner(o Sigstore) Configuration {
	s, err := newSigstoreSigner(o)
	if err != nil {
		return c.use(nil, err)
	}
	return c.use(s, nil)
}

type sigstoreSigner struct{ *sigstore.Signer }

func newSigstoreSigner(o Sigstore) (*sigstoreSigner, error) {
	token, err := o.token()
	if err != nil {
		return nil, err
	}
	trust, err := sigstore.Trust{
		JSON: o.TrustConfigJSON, Staging: o.UseStaging, Mirror: o.TUFMirror, CacheDir: o.TUFCache, Proxy: o.Proxy,
	}.ReadFiles(o.TrustConfig, o.TUFRoot)
	if err != nil {
		return nil, fmt.Errorf("sigstore: %w", err)
	}
	s, err := sigstore.NewSigner(sigstore.SignerOptions{Trust: trust, Token: token})
	if err != nil {
		return nil, fmt.Errorf("sigstore: %w", err)
	}
	return &sigstoreSigner{s}, nil
}

func (s *sigstoreSigner) prepare(ctx context.Context) (Signer, func(), error) {
	return s, func() {}, s.Check(ctx)
}

func (*sigstoreSigner) ownTimestamps() {}

// token chooses the source of tokens. The instance tells it the issuer.
func (o Sigstore) token() (func(ctx context.Context, issuer string) (string, error), error) {
	switch {
	case o.ForceOOB && o.UseDeviceFlow:
		return nil, errors.New("sigstore: both ForceOOB and UseDeviceFlow are set")
	case o.TokenSource != nil:
		return func(ctx context.Context, _ string) (string, error) { return o.TokenSource(ctx) }, nil
	case o.IdentityToken != "":
		token, err := oidc.Static(o.IdentityToken)
		return func(context.Context, string) (string, error) { return token, nil }, err
	case o.UseAmbientCredentials:
		return func(ctx context.Context, _ string) (string, error) {
			return oidc.Ambient{Audience: o.ClientID, Proxy: o.Proxy}.Token(ctx)
		}, nil
	}
	return o.askPerson, nil
}

func (o Sigstore) askPerson(ctx context.Context, issuer string) (string, error) {
	i := oidc.Interactive{
		Issuer: cmp.Or(o.OIDCIssuer, issuer), ClientID: o.ClientID, ClientSecret: o.ClientSecret,
		Proxy: o.Proxy, Open: o.OpenBrowser, Output: o.Output, Input: o.Input,
	}
	switch {
	case i.Issuer == "":
		return "", errors.New("sigstore: the instance names no OpenID provider, and none is given")
	case o.ForceOOB:
		i.Flow = oidc.OutOfBand
	case o.UseDeviceFlow:
		i.Flow = oidc.Device
	}
	return i.Token(ctx)
}
