package main

import (
	"cmp"
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
	"golang.org/x/text/language"

	"github.com/modelsigning/modelsigning/internal/e2e/child"
)

// person is who logs in with a browser, and password how.
var person = storage.User{
	ID: "person", Username: "person", Password: "password",
	Email: "person@example.com", EmailVerified: true,
	PreferredLanguage: language.English,
}

// oidcProvider is an OpenID provider with the authorization code and device grants. Whoever opens its login
// page is logged in, and whoever opens the page of a device approves it: the tests have no hands.
//
// At /actions it is a second issuer, of workload tokens in the manner of GitHub Actions.
func oidcProvider(flags *flag.FlagSet, args []string, ln net.Listener) error {
	keyFile := flags.String("key", "", "RSA key that signs tokens, PKCS #8 PEM")
	issuer := flags.String("issuer", "", "URL that the provider is reached by")
	bearer := flags.String("mint-token", "", "bearer token for /actions/mint")
	claimsFile := flags.String("mint-claims", "", "claims of the tokens minted there, JSON")
	flags.Parse(args)

	key, err := readRSAKey(*keyFile)
	if err != nil {
		return err
	}
	store := newStore(key)
	provider, err := op.NewProvider(&op.Config{
		CryptoKey:      sha256.Sum256([]byte(*bearer)),
		CodeMethodS256: true,
		AuthMethodPost: true,
		DeviceAuthorization: op.DeviceAuthorizationConfig{
			Lifetime:     5 * time.Minute,
			PollInterval: time.Second,
			UserFormPath: "/device",
			UserCode:     op.UserCodeBase20,
		},
	}, store, op.StaticIssuer(*issuer), op.WithAllowInsecure(), op.WithLogger(slog.Default()))
	if err != nil {
		return err
	}

	mux := http.NewServeMux()
	mux.Handle("/", provider)
	callback := op.AuthCallbackURL(provider)
	withIssuer := op.NewIssuerInterceptor(provider.IssuerFromRequest)
	mux.HandleFunc("/login", withIssuer.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.FormValue("id")
		if err := store.CheckUsernamePassword(person.Username, person.Password, id); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		http.Redirect(w, r, callback(r.Context(), id), http.StatusFound)
	}))
	mux.HandleFunc("/device", func(w http.ResponseWriter, r *http.Request) {
		if err := store.CompleteDeviceAuthorization(r.Context(), r.FormValue("user_code"), person.ID); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	})
	claims, err := os.ReadFile(*claimsFile)
	if err != nil {
		return err
	}
	m := minter{issuer: *issuer + "/actions", bearer: *bearer, key: key}
	if err := json.Unmarshal(claims, &m.claims); err != nil {
		return err
	}
	mux.HandleFunc("GET /actions/mint", m.mint)
	mux.HandleFunc("GET /actions/.well-known/openid-configuration", m.discovery)
	return child.Serve(ln, mux)
}

// minter has the shape of what ACTIONS_ID_TOKEN_REQUEST_URL points to.
type minter struct {
	issuer, bearer string
	key            *rsa.PrivateKey
	claims         map[string]any
}

func (m minter) mint(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+m.bearer {
		http.Error(w, "wrong bearer token", http.StatusUnauthorized)
		return
	}
	token, err := m.token(cmp.Or(r.FormValue("audience"), "https://github.com/example"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	json.NewEncoder(w).Encode(map[string]any{"count": len(token), "value": token})
}

func (m minter) token(audience string) (string, error) {
	claims := maps.Clone(m.claims)
	claims["iss"] = m.issuer
	claims["aud"] = audience
	claims["iat"] = time.Now().Unix()
	claims["exp"] = time.Now().Add(10 * time.Minute).Unix()
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signer, err := op.SignerFromKey(signingKey{m.key})
	if err != nil {
		return "", err
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return jws.CompactSerialize()
}

func (m minter) discovery(w http.ResponseWriter, _ *http.Request) {
	base := m.issuer[:len(m.issuer)-len("/actions")]
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{
		"issuer":                                m.issuer,
		"jwks_uri":                              base + "/keys",
		"authorization_endpoint":                base + "/authorize",
		"token_endpoint":                        base + "/oauth/token",
		"response_types_supported":              []string{"id_token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
	})
}

// store is the example storage with our key and our clients.
type store struct {
	*storage.Storage
	key     *rsa.PrivateKey
	clients map[string]oidcClient
}

func newStore(key *rsa.PrivateKey) store {
	const outOfBand = "urn:ietf:wg:oauth:2.0:oob"
	loopback := "http://localhost/auth/callback"
	public := storage.NativeClient("sigstore", loopback, outOfBand)
	secret := storage.WebClient("confidential", "client-secret", loopback, outOfBand)
	return store{
		Storage: storage.NewStorageWithClients(users{}, map[string]*storage.Client{
			"sigstore": public, "confidential": secret,
		}),
		key: key,
		clients: map[string]oidcClient{
			"sigstore":     {Client: public, auth: oidc.AuthMethodNone},
			"confidential": {Client: secret, auth: oidc.AuthMethodPost},
		},
	}
}

func (s store) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if c, ok := s.clients[id]; ok {
		return c, nil
	}
	return nil, errors.New("no such client")
}

func (s store) SigningKey(context.Context) (op.SigningKey, error) { return signingKey{s.key}, nil }

func (s store) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}

func (s store) KeySet(context.Context) ([]op.Key, error) { return []op.Key{publicKey{s.key}}, nil }

// oidcClient is a native client that may use both grants and finds its user's email address in the ID token.
type oidcClient struct {
	*storage.Client
	auth oidc.AuthMethod
}

func (oidcClient) IDTokenUserinfoClaimsAssertion() bool { return true }
func (oidcClient) ApplicationType() op.ApplicationType  { return op.ApplicationTypeNative }
func (c oidcClient) AuthMethod() oidc.AuthMethod        { return c.auth }
func (oidcClient) LoginURL(id string) string            { return "/login?id=" + id }
func (oidcClient) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeDeviceCode}
}

type users struct{}

func (users) GetUserByID(id string) *storage.User         { return userIf(id == person.ID) }
func (users) GetUserByUsername(name string) *storage.User { return userIf(name == person.Username) }
func (users) ExampleClientID() string                     { return "" }

func userIf(ok bool) *storage.User {
	if !ok {
		return nil
	}
	return &person
}

type signingKey struct{ key *rsa.PrivateKey }

func (signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k signingKey) Key() any                                  { return k.key }
func (signingKey) ID() string                                  { return "key" }

type publicKey struct{ key *rsa.PrivateKey }

func (publicKey) ID() string                         { return "key" }
func (publicKey) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (publicKey) Use() string                        { return "sig" }
func (k publicKey) Key() any                         { return &k.key.PublicKey }

func readRSAKey(name string) (*rsa.PrivateKey, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("no PEM block in " + name)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	return key.(*rsa.PrivateKey), nil
}
