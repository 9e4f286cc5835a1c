//go:build !nosigstore

package sigstore

import (
	"context"

	"github.com/modelsigning/modelsigning/internal/span"
)

// call asks a server, in a span. Its error is [serviceError]: the span must not have more of it than the caller.
func call(ctx context.Context, name, service, address string, ask func(context.Context) error, secrets ...string) error {
	inner, s := span.StartRemote(ctx, name, address)
	err := ask(inner)
	if err != nil {
		err = serviceError(ctx, service, address, err, secrets...)
	}
	s.End(err)
	return err
}

// fetchTraced fetches what TUF has.
func (s *source) fetchTraced(ctx context.Context) (m *material, err error) {
	err = call(ctx, "modelsigning.tuf", "TUF repository", s.options(ctx).RepositoryBaseURL, func(ctx context.Context) error {
		m, err = s.fetch(ctx)
		return err
	})
	return m, err
}

// fetchToken gets an identity token, wherever it is from.
func (s *Signer) fetchToken(ctx context.Context, issuer string) (string, error) {
	ctx, sp := span.Start(ctx, "modelsigning.identity_token")
	token, err := s.token(ctx, issuer)
	sp.End(err)
	return token, err
}
