package signing_test

import (
	"bytes"
	encoding "encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/signing"
)

// Whatever prints the options prints no secret.
func TestOptionsPrintNoSecret(t *testing.T) {
	const secret = "hunter2"
	key := newKey(t)
	number, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []any{
		signing.EllipticKey{PrivateKey: "shown", Password: secret, Key: key},
		signing.Certificate{PrivateKey: "shown", Password: secret, Key: key},
		signing.Sigstore{OIDCIssuer: "shown", IdentityToken: secret, ClientSecret: secret},
		signing.PKCS11{URI: "pkcs11:token=shown?pin-value=" + secret, PIN: secret},
		signing.Config().UseEllipticKeySigner(signing.EllipticKey{Key: key}),
		signing.PKCS11Certificate{URI: "pkcs11:token=shown?pin-value=" + secret, PIN: secret},
	} {
		var text, json bytes.Buffer
		slog.New(slog.NewTextHandler(&text, nil)).Info("options", "o", o)
		slog.New(slog.NewJSONHandler(&json, nil)).Info("options", "o", o)
		document, err := encoding.Marshal(o)
		if err != nil {
			t.Error(err)
		}
		all := []string{text.String(), json.String(), string(document)}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			all = append(all, fmt.Sprintf(verb, o))
		}
		for _, s := range all {
			for _, leak := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprint(number), fmt.Sprintf("%x", number)} {
				if strings.Contains(s, leak) {
					t.Errorf("%T prints %s", o, s)
				}
			}
		}
		if _, config := o.(signing.Configuration); !config && !strings.Contains(all[0], "shown") {
			t.Errorf("%T prints %s", o, all[0])
		}
	}
}
