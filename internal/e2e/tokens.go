//go:build unix

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Claims are what a token says. The zero value is a good token of person@example.com.
type Claims struct {
	Email    string        // default person@example.com
	Issuer   string        // default [Stack.Issuer]
	Audience string        // default sigstore
	Lifetime time.Duration // default ten minutes; negative for a token that has expired
	Extra    map[string]any
}

// Token makes an identity token as the OpenID provider would, or as it never would.
func (s *Stack) Token(c Claims) string {
	claims := map[string]any{
		"iss":            or(c.Issuer, s.Issuer),
		"aud":            or(c.Audience, "sigstore"),
		"sub":            or(c.Email, "person@example.com"),
		"email":          or(c.Email, "person@example.com"),
		"email_verified": true,
	}
	return s.sign(claims, c)
}

// WorkflowToken makes the token that a workflow of [Stack.ActionsIssuer] gets. It ignores c.Email.
func (s *Stack) WorkflowToken(c Claims) string {
	claims := maps.Clone(workflowClaims)
	claims["iss"] = or(c.Issuer, s.ActionsIssuer)
	claims["aud"] = or(c.Audience, "sigstore")
	return s.sign(claims, c)
}

func (s *Stack) sign(claims map[string]any, c Claims) string {
	now := time.Now()
	claims["iat"] = now.Add(-time.Minute).Unix()
	claims["exp"] = now.Add(or(c.Lifetime, 10*time.Minute)).Unix()
	maps.Copy(claims, c.Extra)
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: s.oidcKey, KeyID: "key"}}, nil)
	if err != nil {
		panic(err) // the key is ours
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		panic(err)
	}
	return token
}

// WorkflowIdentity is the subject that Fulcio certifies for a workflow token.
const WorkflowIdentity = "https://github.com/example/model/.github/workflows/sign.yml@refs/heads/main"

var workflowClaims = map[string]any{
	"sub":                   "repo:example/model:ref:refs/heads/main",
	"job_workflow_ref":      "example/model/.github/workflows/sign.yml@refs/heads/main",
	"job_workflow_sha":      "0123456789abcdef0123456789abcdef01234567",
	"workflow_ref":          "example/model/.github/workflows/sign.yml@refs/heads/main",
	"workflow_sha":          "0123456789abcdef0123456789abcdef01234567",
	"workflow":              "sign",
	"sha":                   "0123456789abcdef0123456789abcdef01234567",
	"ref":                   "refs/heads/main",
	"event_name":            "push",
	"repository":            "example/model",
	"repository_id":         "1",
	"repository_owner":      "example",
	"repository_owner_id":   "2",
	"repository_visibility": "public",
	"runner_environment":    "github-hosted",
	"run_id":                "3",
	"run_attempt":           "1",
}

// Visit is a person with a browser: it opens a URL, follows where it leads, and logs in or approves on the
// way. Where the way ends at an out-of-band address it returns the code that the person would copy.
func Visit(ctx context.Context, address string) (code string, err error) {
	client := &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(req *http.Request, _ []*http.Request) error {
			if req.URL.Scheme == "urn" {
				code = req.URL.Query().Get("code")
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
	if _, err := url.Parse(address); err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	res, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	if code == "" && res.StatusCode != http.StatusOK {
		return "", errors.New(fmt.Sprint(res.Status, ": ", string(body)))
	}
	return code, nil
}

func or[T comparable](v, otherwise T) T {
	if v == *new(T) {
		return otherwise
	}
	return v
}
