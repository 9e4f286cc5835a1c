package signing

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// The options print without secrets: by every verb of package fmt, by package log/slog and as JSON. Programs log
// their configuration, and keys, tokens and passwords would be in it.

func hide(secret string) string {
	if secret == "" {
		return ""
	}
	return "…"
}

// Types without the methods of those that they are made of.
type (
	plainEllipticKey EllipticKey
	plainCertificate Certificate
	plainSigstore    Sigstore
)

func (o EllipticKey) hidden() plainEllipticKey {
	o.Password, o.Key = hide(o.Password), nil
	return plainEllipticKey(o)
}

func (o Certificate) hidden() plainCertificate {
	o.Password, o.Key = hide(o.Password), nil
	return plainCertificate(o)
}

func (o Sigstore) hidden() plainSigstore {
	o.IdentityToken, o.ClientSecret = hide(o.IdentityToken), hide(o.ClientSecret)
	o.TokenSource, o.OpenBrowser, o.TrustConfigJSON, o.Input, o.Output = nil, nil, nil, nil, nil
	return plainSigstore(o)
}

func format(f fmt.State, verb rune, o any) { fmt.Fprintf(f, fmt.FormatString(f, verb), o) }

// Format prints the options without password and key, for all verbs.
func (o EllipticKey) Format(f fmt.State, verb rune) { format(f, verb, o.hidden()) }

// LogValue is the options without password and key.
func (o EllipticKey) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%+v", o)) }

// Format prints the options without password and key, for all verbs.
func (o Certificate) Format(f fmt.State, verb rune) { format(f, verb, o.hidden()) }

// LogValue is the options without password and key.
func (o Certificate) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%+v", o)) }

// Format prints the options without token and secret, for all verbs.
func (o Sigstore) Format(f fmt.State, verb rune) { format(f, verb, o.hidden()) }

// LogValue is the options without token and secret.
func (o Sigstore) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%+v", o)) }

// Format prints that this is a configuration, and nothing of what it holds.
func (c Configuration) Format(f fmt.State, _ rune) { fmt.Fprint(f, "signing.Configuration") }

// LogValue is what Format prints.
func (c Configuration) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }

// MarshalJSON is what Format prints, as a string.
func (o EllipticKey) MarshalJSON() ([]byte, error) { return json.Marshal(fmt.Sprintf("%+v", o)) }

// MarshalJSON is what Format prints, as a string.
func (o Certificate) MarshalJSON() ([]byte, error) { return json.Marshal(fmt.Sprintf("%+v", o)) }

// MarshalJSON is what Format prints, as a string.
func (o Sigstore) MarshalJSON() ([]byte, error) { return json.Marshal(fmt.Sprintf("%+v", o)) }

// MarshalJSON is what Format prints, as a string.
func (o PKCS11) MarshalJSON() ([]byte, error) { return json.Marshal(fmt.Sprint(o)) }

// MarshalJSON is what Format prints, as a string.
func (o PKCS11Certificate) MarshalJSON() ([]byte, error) { return json.Marshal(fmt.Sprint(o)) }
