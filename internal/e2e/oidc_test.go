//go:build unix

package e2e_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/modelsigning/modelsigning/internal/e2e"
	"github.com/modelsigning/modelsigning/internal/oidc"
)

// claim reads a claim of a token without verifying it.
func claim(t *testing.T, token, name string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("not a token: %q", token)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	value, _ := claims[name].(string)
	return value
}

// person reads what a program prints and does it: it opens the link that pattern finds, and types the code
// that it is shown there.
type person struct {
	t       *testing.T
	pattern *regexp.Regexp
	seen    string
	keys    *io.PipeWriter
}

func (p *person) Write(b []byte) (int, error) {
	p.seen += string(b)
	if link := p.pattern.FindStringSubmatch(p.seen); link != nil {
		p.seen = ""
		go func() {
			code, err := e2e.Visit(p.t.Context(), link[1])
			if err != nil {
				p.t.Error(err)
			}
			io.WriteString(p.keys, code+"\n")
		}()
	}
	return len(b), nil
}

func TestInteractive(t *testing.T) {
	stack := e2e.Start(t, e2e.Options{})
	browser := func(ctx context.Context, url string) error {
		_, err := e2e.Visit(ctx, url)
		return err
	}
	for name, test := range map[string]struct {
		oidc.Interactive
		pattern, audience string
	}{
		"browser":       {oidc.Interactive{Open: browser}, `$^`, "sigstore"},
		"client secret": {oidc.Interactive{Open: browser, ClientID: "confidential", ClientSecret: "client-secret"}, `$^`, "confidential"},
		"out of band":   {oidc.Interactive{Flow: oidc.OutOfBand}, `(?s)\t(http\S+)\n.*code: $`, "sigstore"},
		"no browser":    {oidc.Interactive{Open: func(context.Context, string) error { return io.EOF }}, `(?s)No browser.*\t(http\S+)\n.*code: $`, "sigstore"},
		"device":        {oidc.Interactive{Flow: oidc.Device}, `\t(http\S+user_code=\S+)\n`, "sigstore"},
	} {
		t.Run(name, func(t *testing.T) {
			keyboard, keys := io.Pipe()
			test.Issuer, test.Input = stack.Issuer, keyboard
			test.Output = &person{t: t, pattern: regexp.MustCompile(test.pattern), keys: keys}
			token, err := test.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := claim(t, token, "email"); got != "person@example.com" {
				t.Errorf("token of %q", got)
			}
		})
	}
	t.Run("wrong client secret", func(t *testing.T) {
		token, err := oidc.Interactive{
			Issuer: stack.Issuer, Open: browser, ClientID: "confidential", ClientSecret: "wrong-secret", Output: io.Discard,
		}.Token(t.Context())
		if err == nil {
			t.Fatalf("Token() = %q", token)
		}
		if strings.Contains(err.Error(), "wrong-secret") || !strings.Contains(err.Error(), stack.Issuer) {
			t.Error(err)
		}
	})
}

func TestAmbientGitHub(t *testing.T) {
	stack := e2e.Start(t, e2e.Options{})
	token, err := oidc.Ambient{LookupEnv: actions(stack), Root: t.TempDir()}.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := claim(t, token, "aud"); got != "sigstore" {
		t.Errorf("token for %q", got)
	}
	if got := claim(t, token, "iss"); got != stack.ActionsIssuer {
		t.Errorf("token of %q", got)
	}
}

// actions is the environment of a workflow.
func actions(stack *e2e.Stack) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := map[string]string{
			"ACTIONS_ID_TOKEN_REQUEST_URL":   stack.MintURL,
			"ACTIONS_ID_TOKEN_REQUEST_TOKEN": stack.MintToken,
		}[name]
		return value, ok
	}
}

// agent is the Workload API of a SPIFFE implementation, over the real gRPC library.
type agent struct {
	workload.UnimplementedSpiffeWorkloadAPIServer
	token string
}

func (a agent) FetchJWTSVID(ctx context.Context, r *workload.JWTSVIDRequest) (*workload.JWTSVIDResponse, error) {
	if md, _ := metadata.FromIncomingContext(ctx); len(md.Get("workload.spiffe.io")) != 1 {
		return nil, status.Error(codes.InvalidArgument, "security header missing")
	}
	if len(r.Audience) != 1 || r.Audience[0] != "sigstore" {
		return nil, status.Error(codes.PermissionDenied, "no such audience")
	}
	return &workload.JWTSVIDResponse{Svids: []*workload.JWTSVID{
		{SpiffeId: "spiffe://example.com/signer", Svid: a.token}, {SpiffeId: "spiffe://example.com/other", Svid: "other"},
	}}, nil
}

func TestAmbientSPIFFE(t *testing.T) {
	const token = "e30.e30.signature" // of an empty object
	server := grpc.NewServer()
	workload.RegisterSpiffeWorkloadAPIServer(server, agent{token: token})
	defer server.Stop()
	socket := filepath.Join(t.TempDir(), "agent.sock")
	for _, address := range []struct{ network, listen, prefix string }{
		{"unix", socket, "unix://"}, {"tcp", "127.0.0.1:0", "tcp://"},
	} {
		t.Run(address.network, func(t *testing.T) {
			ln, err := net.Listen(address.network, address.listen)
			if err != nil {
				t.Fatal(err)
			}
			go server.Serve(ln)
			a := oidc.Ambient{Root: t.TempDir(), LookupEnv: func(name string) (string, bool) {
				if name != "SPIFFE_ENDPOINT_SOCKET" {
					return "", false
				}
				return address.prefix + ln.Addr().String(), true
			}}
			if got, err := a.Token(t.Context()); got != token || err != nil {
				t.Errorf("Token() = %q, %v", got, err)
			}
			a.Audience = "unknown"
			if got, err := a.Token(t.Context()); err == nil || !strings.Contains(err.Error(), `status "7"`) {
				t.Errorf("the agent denies, and Token() = %q, %v", got, err)
			}
		})
	}
}
