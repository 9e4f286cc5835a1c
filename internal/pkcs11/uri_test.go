package pkcs11_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/internal/pkcs11"
)

func TestParse(t *testing.T) {
	u, err := pkcs11.Parse("pkcs11:library-manufacturer=Snake%20Oil,%20Inc.;library-description=Soft%20Token;" +
		"library-version=2.6;slot-id=327;slot-manufacturer=M;slot-description=D;token=The%20Software%20PKCS%2311%20Softtoken;" +
		"serial=;manufacturer=Snake%20Oil,%20Inc.;model=1.0;object=my-key;id=%69%95%3E%5c%F4%BD%EC%91;type=private" +
		"?module-name=softhsm2&module-path=/usr/lib/softhsm&pin-source=file:/etc/token&x-vendor=1&x-vendor=2")
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]struct{ got, want pkcs11.Text }{
		"library-manufacturer": {u.LibraryManufacturer, pkcs11.Text{true, "Snake Oil, Inc."}},
		"library-description":  {u.LibraryDescription, pkcs11.Text{true, "Soft Token"}},
		"library-version":      {u.LibraryVersion, pkcs11.Text{true, "2.6"}},
		"slot-id":              {u.SlotID, pkcs11.Text{true, "327"}},
		"slot-manufacturer":    {u.SlotManufacturer, pkcs11.Text{true, "M"}},
		"slot-description":     {u.SlotDescription, pkcs11.Text{true, "D"}},
		"token":                {u.Token, pkcs11.Text{true, "The Software PKCS#11 Softtoken"}},
		"serial":               {u.Serial, pkcs11.Text{true, ""}},
		"manufacturer":         {u.Manufacturer, pkcs11.Text{true, "Snake Oil, Inc."}},
		"model":                {u.Model, pkcs11.Text{true, "1.0"}},
		"object":               {u.Object, pkcs11.Text{true, "my-key"}},
		"id":                   {u.ID, pkcs11.Text{true, "i\x95>\\\xf4\xbd\xec\x91"}},
		"type":                 {u.Type, pkcs11.Text{true, "private"}},
		"module-name":          {u.ModuleName, pkcs11.Text{true, "softhsm2"}},
		"module-path":          {u.ModulePath, pkcs11.Text{true, "/usr/lib/softhsm"}},
		"pin-source":           {u.PINSource, pkcs11.Text{true, "file:/etc/token"}},
	} {
		if got.got != got.want {
			t.Errorf("%s: got %v, want %v", name, got.got, got.want)
		}
	}
	if want := []string{"x-vendor"}; !slices.Equal(u.Unknown, want) {
		t.Errorf("unknown: got %q, want %q", u.Unknown, want)
	}
}

// The examples of RFC 7512, section 3, without those of vendor attributes.
func TestParseExamples(t *testing.T) {
	for _, uri := range []string{
		"pkcs11:",
		"pkcs11:object=my-pubkey;type=public",
		"pkcs11:object=my-key;type=private?pin-source=file:/etc/token",
		"pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;" +
			"object=my-certificate;type=cert;id=%69%95%3E%5C%F4%BD%EC%91;serial=?pin-source=file:/etc/token_pin",
		"pkcs11:object=my-sign-key;type=private?module-name=mypkcs11",
		"pkcs11:object=my-sign-key;type=private?module-path=/mnt/libmypkcs11.so.1",
		"pkcs11:token=Software%20PKCS%2311%20softtoken;manufacturer=Snake%20Oil,%20Inc.?pin-value=the-pin",
		"pkcs11:slot-description=Sun%20Metaslot",
		"pkcs11:library-manufacturer=Snake%20Oil,%20Inc.;library-description=Soft%20Token%20Library;library-version=1.23",
		"pkcs11:token=My%20token%25%20created%20by%20Joe;library-version=3;id=%01%02%03%Ba%dd%Ca%fe%04%05%06",
		"pkcs11:token=A%20name%20with%20a%20substring%20%25%3B;object=my-certificate;type=cert",
		"pkcs11:token=Name%20with%20a%20small%20A%20with%20acute:%20%C3%A1;object=my-certificate;type=cert",
		"PKCS11:token=a?",
	} {
		if _, err := pkcs11.Parse(uri); err != nil {
			t.Errorf("%s: %v", uri, err)
		}
	}
}

func TestParseMalformed(t *testing.T) {
	for uri, want := range map[string]string{
		"":                                           `column 1: does not begin with "pkcs11:"`,
		"token=a":                                    `column 1: does not begin with "pkcs11:"`,
		"pkcs11:token":                               `column 13: "=" is missing`,
		"pkcs11:=a":                                  "column 8: the name of an attribute is missing",
		"pkcs11:;token=a":                            "column 8: the name of an attribute is missing",
		"pkcs11:token=a;":                            "column 16: the name of an attribute is missing",
		"pkcs11:token=a b":                           "column 15: a character that must be percent-encoded",
		"pkcs11:token=a/b":                           "column 15: a character that must be percent-encoded",
		"pkcs11:token=a#b":                           "column 15: a character that must be percent-encoded",
		"pkcs11:token=ä":                             "column 14: a character that must be percent-encoded",
		"pkcs11:token=%2":                            `column 14: "%" is not followed by two hexadecimal digits`,
		"pkcs11:token=%zz":                           `column 14: "%" is not followed by two hexadecimal digits`,
		"pkcs11:token=%ff":                           "column 14: token is not text in UTF-8",
		"pkcs11:token=%00":                           "column 14: token is not text in UTF-8",
		"pkcs11:token=a;token=a":                     "column 16: token is given twice",
		"pkcs11:x-vendor=a":                          `column 8: the attribute "x-vendor" is not known`,
		"pkcs11:Token=a":                             `column 8: the attribute "Token" is not known`,
		"pkcs11:to ken=a":                            "column 10: a name has letters",
		"pkcs11:slot-id=":                            "column 16: slot-id is not the number of a slot",
		"pkcs11:slot-id=-1":                          "column 16: slot-id is not the number of a slot",
		"pkcs11:slot-id=+1":                          "column 16: slot-id is not the number of a slot",
		"pkcs11:slot-id=99999999999999999999":        "column 16: slot-id is not the number of a slot",
		"pkcs11:type=key":                            "column 13: type is none of public",
		"pkcs11:library-version=1.":                  "column 24: library-version is not a version",
		"pkcs11:library-version=1.2.3":               "column 24: library-version is not a version",
		"pkcs11:library-version=256":                 "column 24: library-version is not a version",
		"pkcs11:pin-value=1234":                      `column 8: pin-value stands before the "?", and belongs after it`,
		"pkcs11:?module-name=/lib/x.so":              "column 21: module-name is a name, not a path",
		"pkcs11:?module-name=":                       "column 21: module-name is a name, not a path",
		"pkcs11:?module-path=a&module-path=b":        "column 23: module-path is given twice",
		"pkcs11:?pin-value=1&pin-source=/a":          "column 21: pin-value and pin-source are both given",
		"pkcs11:?pin-value=12&34":                    `column 24: "=" is missing`,
		"pkcs11:?pin-value=12#34":                    "column 21: a character that must be percent-encoded",
		"pkcs11:?&":                                  "column 9: the name of an attribute is missing",
		"pkcs11:token=" + strings.Repeat("a", 1<<16): "column 65537: is too long",
	} {
		_, err := pkcs11.Parse(uri)
		var syntax *pkcs11.SyntaxError
		if !errors.As(err, &syntax) || !strings.HasPrefix(err.Error(), "PKCS #11 URI malformed at "+want) {
			t.Errorf("%.80s: got %v, want %s", uri, err, want)
		}
	}
}

func TestURINeverPrintsPIN(t *testing.T) {
	u, err := pkcs11.Parse("pkcs11:id=%01;token=a%20b?pin-value=s%65cret&module-path=/m.so")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := u.String(), "pkcs11:token=a%20b;id=%01?module-path=/m.so&pin-value=…"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	type holder struct{ U *pkcs11.URI }
	type copied struct{ U pkcs11.URI }
	for _, v := range []any{u, *u, holder{u}, &holder{u}, copied{*u}, []pkcs11.URI{*u}, map[string]*pkcs11.URI{"": u}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			checkNoPIN(t, fmt.Sprintf(verb, v))
		}
		text, _ := json.Marshal(v)
		checkNoPIN(t, string(text))
		var b bytes.Buffer
		slog.New(slog.NewTextHandler(&b, nil)).Info("", "v", v)
		slog.New(slog.NewJSONHandler(&b, nil)).Info("", "v", v)
		checkNoPIN(t, b.String())
	}
	if _, err := pkcs11.Parse(u.String()); err == nil {
		t.Error("what was printed can be used as a URI, with a wrong PIN")
	}
	if got := pkcs11.Redact("pkcs11:x?pin-value=secret"); got != "pkcs11:(malformed)" {
		t.Errorf("got %s", got)
	}
}

func checkNoPIN(t *testing.T, text string) {
	t.Helper()
	if strings.Contains(text, "secret") || strings.Contains(strings.ToLower(text), "736563726574") {
		t.Errorf("the PIN is in %s", text)
	}
}

func TestMatches(t *testing.T) {
	for _, test := range []struct {
		text pkcs11.Text
		got  string
		want bool
	}{
		{pkcs11.Text{}, "anything", true},
		{pkcs11.Text{Given: true}, "", true},
		{pkcs11.Text{Given: true}, "   ", true},
		{pkcs11.Text{Given: true}, "a", false},
		{pkcs11.Text{Given: true, Value: "a"}, "a   ", true},
		{pkcs11.Text{Given: true, Value: "a"}, "A", false},
	} {
		if got := test.text.Matches(test.got); got != test.want {
			t.Errorf("%+v matches %q: got %v", test.text, test.got, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("pkcs11:token=a;id=%00%ff;object=%C3%A1?module-path=/usr/lib/x.so&pin-value=1234&x=y")
	f.Fuzz(func(t *testing.T, uri string) {
		u, err := pkcs11.Parse(uri)
		if err != nil {
			var syntax *pkcs11.SyntaxError
			if !errors.As(err, &syntax) || syntax.Column < 1 || syntax.Column > len(uri)+1 {
				t.Fatalf("%q: %v", uri, err)
			}
			return
		}
		if pin, _, _ := u.PIN("x"); pin == "" && !u.PINSource.Given && !strings.HasSuffix(u.String(), "pin-value=…") {
			t.Fatalf("%q: has a PIN, and is printed as %s", uri, u)
		}
		// The PIN is not printed, so the rest must come back.
		printed := strings.TrimRight(strings.TrimSuffix(u.String(), "pin-value=…"), "?&")
		again, err := pkcs11.Parse(printed)
		if err != nil {
			t.Fatalf("%q is printed as %q: %v", uri, printed, err)
		}
		if got, want := again.String(), printed; got != want {
			t.Fatalf("%q: got %q, want %q", uri, got, want)
		}
	})
}
