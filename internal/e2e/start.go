//go:build unix

package e2e

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

func (s *Stack) startOIDC(ctx context.Context) (err error) {
	claims, err := json.Marshal(workflowClaims)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.file("claims.json"), claims, 0o600); err != nil {
		return err
	}
	s.MintToken = rand.Text()
	s.OIDC, err = s.serve("oidc", "service", func(url string) []string {
		return []string{"oidc", "-issuer", url, "-key", s.file("oidc.pem"),
			"-mint-token", s.MintToken, "-mint-claims", s.file("claims.json")}
	})
	if err != nil {
		return err
	}
	s.Issuer = s.OIDC.URL
	s.ActionsIssuer = s.Issuer + "/actions"
	s.MintURL = s.ActionsIssuer + "/mint?api-version=2.0"
	return s.OIDC.await(ctx, "/.well-known/openid-configuration")
}

func (s *Stack) startCTLog(ctx context.Context) (err error) {
	s.CTLog, err = s.service("ctlog", "-key", s.file("ctlog.pem"), "-roots", s.file("fulcio.crt"))
	if err != nil {
		return err
	}
	s.CTLog.URL += "/test"
	return s.CTLog.await(ctx, "/ct/v1/get-sth")
}

func (s *Stack) startFulcio(ctx context.Context) (err error) {
	config := fmt.Sprintf(`oidc-issuers:
  %[1]s: {issuer-url: %[1]s, client-id: sigstore, type: email}
  %[2]s: {issuer-url: %[2]s, client-id: sigstore, type: github-workflow}
`, s.Issuer, s.ActionsIssuer)
	if err := os.WriteFile(s.file("fulcio.yaml"), []byte(config), 0o600); err != nil {
		return err
	}
	s.Fulcio, err = s.service("fulcio", "-cert", s.file("fulcio.crt"), "-key", s.file("fulcio.key"),
		"-config", s.file("fulcio.yaml"),
		"-ct-log-url", s.CTLog.URL, "-ct-log-key", s.file("ctlog.pub"))
	if err != nil {
		return err
	}
	return s.Fulcio.await(ctx, "/healthz")
}

func (s *Stack) startRekor(ctx context.Context, o Options) error {
	if o.RekorV1 {
		return s.startRekorV1(ctx)
	}
	ports, err := freePorts(3)
	if err != nil {
		return err
	}
	cmd := exec.Command(binary("service"), "exec", binary("posix"), "serve",
		"--storage-dir="+s.file("rekor"), "--signer-filepath="+s.file("rekor.pem"), "--hostname=127.0.0.1",
		"--http-address=127.0.0.1", "--http-port="+ports[0], "--http-metrics-port="+ports[1],
		"--grpc-address=127.0.0.1", "--grpc-port="+ports[2],
		"--checkpoint-interval=500ms", "--batch-max-age=50ms")
	if s.Rekor, err = s.run("rekor", "http://127.0.0.1:"+ports[0], cmd); err != nil {
		return err
	}
	return s.Rekor.await(ctx, "/healthz")
}

func (s *Stack) startRekorV1(ctx context.Context) error {
	trillian, err := s.service("trillian")
	if err != nil {
		return err
	}
	s.Rekor, err = s.serve("rekor", "rekor-v1", func(string) []string {
		return []string{"-key", s.file("rekor-v1.pem"), "-trillian", strings.TrimPrefix(trillian.URL, "http://")}
	})
	if err != nil {
		return err
	}
	return s.Rekor.await(ctx, "/api/v1/log")
}

func (s *Stack) startTSA(ctx context.Context) (err error) {
	if s.TSA, err = s.service("tsa"); err != nil {
		return err
	}
	s.TSAURL = s.TSA.URL + "/api/v1/timestamp"
	if err := s.TSA.await(ctx, "/ping"); err != nil {
		return err
	}
	s.TSAChain, err = get(ctx, s.TSAURL+"/certchain")
	return err
}

// service runs one of the servers of the command of that name.
func (s *Stack) service(name string, args ...string) (*Service, error) {
	return s.serve(name, "service", func(string) []string { return append([]string{name}, args...) })
}

// freePorts finds ports for a server that cannot inherit a socket.
func freePorts(n int) (ports []string, err error) {
	for range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer ln.Close()
		ports = append(ports, strconv.Itoa(ln.Addr().(*net.TCPAddr).Port))
	}
	return ports, nil
}
