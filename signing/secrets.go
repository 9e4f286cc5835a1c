package signing

import (
	"fmt"
	"log/slog"
)

// The options print without secrets, by every verb of package fmt and by package log/slog: programs log their
// configuration, and keys and passwords would be in it.

// hidden stands for a secret that is set.
const hidden = "…"

func hide(secret string) string {
	if secret == "" {
		return ""
	}
	return hidden
}

// Format prints the options without password and key, for all verbs.
func (o EllipticKey) Format(f fmt.State, verb rune) {
	type plain EllipticKey
	o.Password, o.Key = hide(o.Password), nil
	fmt.Fprintf(f, fmt.FormatString(f, verb), plain(o))
}

// LogValue is the options without password and key.
func (o EllipticKey) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%+v", o)) }

// Format prints the options without password and key, for all verbs.
func (o Certificate) Format(f fmt.State, verb rune) {
	type plain Certificate
	o.Password, o.Key = hide(o.Password), nil
	fmt.Fprintf(f, fmt.FormatString(f, verb), plain(o))
}

// LogValue is the options without password and key.
func (o Certificate) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%+v", o)) }

// Format prints the options without token and secret, for all verbs.
func (o Sigstore) Format(f fmt.State, verb rune) {
	type plain Sigstore
	o.IdentityToken, o.ClientSecret = hide(o.IdentityToken), hide(o.ClientSecret)
	o.TrustConfigJSON, o.Input, o.Output = nil, nil, nil
	fmt.Fprintf(f, fmt.FormatString(f, verb), plain(o))
}

// LogValue is the options without token and secret.
func (o Sigstore) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%+v", o)) }
