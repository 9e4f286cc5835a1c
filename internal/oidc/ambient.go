package oidc

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/modelsigning/modelsigning/internal/transport"
)

// ErrNoCredentials says that the machine offers no identity.
var ErrNoCredentials = errors.New("no ambient credentials found")

// Ambient finds the identity of the workload that it runs in. It asks, in this order, and takes the first
// that is there:
//
//   - GitHub Actions: ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN;
//   - SIGSTORE_ID_TOKEN, as GitLab's id_tokens and other CI systems set it;
//   - Google Cloud: the metadata server, on Compute Engine, GKE and Cloud Run;
//   - Buildkite: the buildkite-agent command;
//   - SPIFFE: the Workload API at SPIFFE_ENDPOINT_SOCKET, which SPIRE agents serve;
//   - a file that Kubernetes mounts: SIGSTORE_ID_TOKEN_FILE, or /var/run/sigstore/cosign/oidc-token.
//
// A source that is there and fails is an error; the others are not tried, because they are another identity.
type Ambient struct {
	// Audience is whom the token is for, [DefaultAudience] if empty. SIGSTORE_ID_TOKEN and token files have
	// theirs already.
	Audience string
	// LookupEnv reads the environment; nil stands for [os.LookupEnv].
	LookupEnv func(name string) (string, bool)
	// Proxy is for requests to GitHub.
	Proxy transport.Proxy
	// Root is where the file system begins; empty stands for "/".
	Root string
}

// Token returns the identity token. Where there is none the error is [ErrNoCredentials].
func (a Ambient) Token(ctx context.Context) (string, error) {
	for _, source := range []struct {
		name  string
		found bool
		token func(context.Context) (string, error)
	}{
		{"GitHub Actions", a.env("ACTIONS_ID_TOKEN_REQUEST_URL") != "" && a.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN") != "", a.github},
		{"SIGSTORE_ID_TOKEN", a.env("SIGSTORE_ID_TOKEN") != "", a.variable},
		{"Google Cloud", a.onGoogleCloud(), a.google},
		{"Buildkite", a.env("BUILDKITE") == "true", a.buildkite},
		{"SPIFFE", a.env("SPIFFE_ENDPOINT_SOCKET") != "", a.spiffe},
		{"token file", a.hasTokenFile(), a.file},
	} {
		if !source.found {
			continue
		}
		token, err := source.token(ctx)
		if err == nil {
			token, err = Static(token)
		}
		if err != nil {
			return "", fmt.Errorf("ambient credentials of %s: %w", source.name, err)
		}
		return token, nil
	}
	if a.env("GITHUB_ACTIONS") == "true" {
		return "", fmt.Errorf("%w: the GitHub Actions job lacks the permission id-token: write", ErrNoCredentials)
	}
	return "", ErrNoCredentials
}

func (a Ambient) audience() string { return cmp.Or(a.Audience, DefaultAudience) }

func (a Ambient) env(name string) string {
	lookup := a.LookupEnv
	if lookup == nil {
		lookup = os.LookupEnv
	}
	value, _ := lookup(name)
	return value
}

func (a Ambient) path(name string) string { return filepath.Join(cmp.Or(a.Root, "/"), name) }

func (a Ambient) github(ctx context.Context) (string, error) {
	address, err := url.Parse(a.env("ACTIONS_ID_TOKEN_REQUEST_URL"))
	if err != nil {
		return "", errors.New("ACTIONS_ID_TOKEN_REQUEST_URL is not a URL")
	}
	query := address.Query()
	query.Set("audience", a.audience())
	address.RawQuery = query.Encode()
	header := http.Header{"Authorization": {"Bearer " + a.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN")}}
	_, body, err := get(ctx, client(a.Proxy), address.String(), header)
	if err != nil {
		return "", err
	}
	var answer struct{ Value string }
	if json.Unmarshal(body, &answer) != nil || answer.Value == "" {
		return "", fmt.Errorf("GET %q: the answer holds no token", address.Redacted())
	}
	return answer.Value, nil
}

func (a Ambient) variable(context.Context) (string, error) { return a.env("SIGSTORE_ID_TOKEN"), nil }

// onGoogleCloud recognises Cloud Run by its environment, and virtual machines and GKE by their firmware.
func (a Ambient) onGoogleCloud() bool {
	if a.env("GCE_METADATA_HOST") != "" || a.env("K_SERVICE") != "" || a.env("CLOUD_RUN_JOB") != "" {
		return true
	}
	product, err := os.ReadFile(a.path("sys/class/dmi/id/product_name"))
	return err == nil && strings.HasPrefix(string(product), "Google")
}

func (a Ambient) google(ctx context.Context) (string, error) {
	address := url.URL{
		Scheme:   "http",
		Host:     cmp.Or(a.env("GCE_METADATA_HOST"), "metadata.google.internal"),
		Path:     "/computeMetadata/v1/instance/service-accounts/default/identity",
		RawQuery: url.Values{"audience": {a.audience()}, "format": {"full"}}.Encode(),
	}
	c := client(nil) // the server is link-local
	res, body, err := get(ctx, c, address.String(), http.Header{"Metadata-Flavor": {"Google"}})
	if err != nil {
		return "", err
	}
	if res.Header.Get("Metadata-Flavor") != "Google" {
		return "", fmt.Errorf("GET %q: this is not Google's metadata server", address.String())
	}
	return string(body), nil
}

func (a Ambient) buildkite(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "buildkite-agent", "oidc", "request-token", "--audience", a.audience())
	cmd.WaitDelay = time.Second // a child of the agent may hold its output open
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", fmt.Errorf("buildkite-agent oidc request-token: %w", err)
	}
	return string(out), nil
}

func (a Ambient) tokenFile() string {
	if name := a.env("SIGSTORE_ID_TOKEN_FILE"); name != "" {
		return name
	}
	return a.path("var/run/sigstore/cosign/oidc-token")
}

// hasTokenFile is true of a file that cannot be read, too: it was meant to be used.
func (a Ambient) hasTokenFile() bool {
	_, err := os.Stat(a.tokenFile())
	return !errors.Is(err, fs.ErrNotExist) || a.env("SIGSTORE_ID_TOKEN_FILE") != ""
}

// file reads the token anew each time, because Kubernetes renews it.
func (a Ambient) file(context.Context) (string, error) {
	data, err := os.ReadFile(a.tokenFile())
	return string(data), err
}
