package verifying

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/modelsigning/modelsigning/bundle"
)

// UseAny accepts what at least one of the given configurations accepts: any of these keys, certificates and
// identities. They are asked in turn, and the first that accepts decides: [Identity.Matched] says which it was. Each
// must have a verifier, which may be one of UseAny itself. Nothing else of them counts: how to hash, what is ignored,
// how large a bundle may be and where warnings go is for c to say.
//
// If none accepts, the error is a [*RefusedError].
func (c Configuration) UseAny(accepted ...Configuration) Configuration {
	if len(accepted) == 0 {
		return c.use(nil, fmt.Errorf("any of nothing: %w", ErrNoVerifier))
	}
	v := make(anyVerifier, len(accepted))
	for i, a := range accepted {
		if err := a.ready(); err != nil {
			return c.use(nil, fmt.Errorf("alternative %d of %d: %w", i+1, len(accepted), err))
		}
		v[i] = a.verifier
	}
	return c.use(v, nil)
}

type anyVerifier []Verifier

// withLogger returns alternatives that log.
func (v anyVerifier) withLogger(log *slog.Logger) Verifier {
	v = slices.Clone(v)
	for i := range v {
		if l, ok := v[i].(logging); ok {
			v[i] = l.withLogger(log)
		}
	}
	return v
}

func (v anyVerifier) Verify(ctx context.Context, b *bundle.Bundle) ([]byte, Identity, error) {
	errs := make([]error, len(v))
	for i, one := range v {
		statement, signer, err := one.Verify(ctx, b)
		switch {
		case err == nil:
			signer.Matched = i
			return statement, signer, nil
		case ctx.Err() != nil:
			return nil, Identity{}, ctx.Err()
		case errors.Is(err, bundle.ErrMalformed):
			return nil, Identity{}, err // for nobody is it a signature
		}
		errs[i] = err
	}
	return nil, Identity{}, &RefusedError{Errs: errs, method: b.Method()}
}

// A RefusedError says that none of the alternatives of [Configuration.UseAny] accepts a signature, and why.
//
// [errors.Is] and [errors.As] see those reasons alone that came nearest to accepting it: [ErrMethod] only if every
// alternative is for another method, [ErrIdentity] only if none knows the signer. What none of the errors of this
// package is for, such as a server that could not be reached, comes first: that alternative might have accepted it.
type RefusedError struct {
	// Errs has the error of each alternative, in the order of UseAny.
	Errs []error

	method bundle.Method // by which the bundle was signed
}

const (
	shownAlternatives = 8   // that an error prints
	shownReason       = 500 // bytes of each
)

// Error prints the first few of the reasons, those that Unwrap returns before the others, and just the reason of a
// single alternative.
func (e *RefusedError) Error() string {
	if len(e.Errs) == 1 {
		return clip(e.Errs[0].Error(), shownReason)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "none of %d alternatives accepts the signature", len(e.Errs))
	for n, i := range e.nearestFirst() {
		if n == shownAlternatives {
			fmt.Fprintf(&b, "; and %d more", len(e.Errs)-n)
			break
		}
		fmt.Fprintf(&b, "; alternative %d: %s", i+1, clip(e.Errs[i].Error(), shownReason))
	}
	return b.String()
}

// Unwrap returns the reasons that came nearest to accepting the signature.
func (e *RefusedError) Unwrap() []error {
	var nearest []error
	order := e.nearestFirst()
	for _, i := range order {
		if e.nearness(e.Errs[i]) == e.nearness(e.Errs[order[0]]) {
			nearest = append(nearest, e.Errs[i])
		}
	}
	return nearest
}

// nearestFirst returns the indices of the errors.
func (e *RefusedError) nearestFirst() []int {
	order := make([]int, len(e.Errs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return e.nearness(e.Errs[j]) - e.nearness(e.Errs[i]) })
	return order
}

// nearness says how far a verifier got. Another key is known by its fingerprint, before all else; other names are
// looked at when the certificate is known to be good.
func (e *RefusedError) nearness(err error) int {
	switch {
	case errors.Is(err, ErrMethod):
		return 0
	case errors.Is(err, ErrIdentity) && e.method == bundle.Key:
		return 1
	case errors.Is(err, ErrSignature):
		return 4
	case errors.Is(err, ErrIdentity):
		return 3
	case errors.Is(err, ErrCertificate), errors.Is(err, ErrTimestamp), errors.Is(err, ErrLog):
		return 2
	}
	return 5
}

// clip keeps what a stranger may have made long from filling a log.
func clip(s string, n int) string {
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}
