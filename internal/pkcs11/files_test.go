package pkcs11_test

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/internal/pkcs11"
)

func parse(t *testing.T, uri string) *pkcs11.URI {
	t.Helper()
	u, err := pkcs11.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func write(t *testing.T, name, content string, mode fs.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestPIN(t *testing.T) {
	dir := t.TempDir()
	escaped := func(name string) string { return url.QueryEscape(filepath.ToSlash(name)) }
	secret := escaped(write(t, filepath.Join(dir, "pin"), "1234\n", 0o600))
	dos := escaped(write(t, filepath.Join(dir, "dos"), "1234\r\n", 0o600))
	bare := escaped(write(t, filepath.Join(dir, "bare"), " 12 34 ", 0o600))
	open := escaped(write(t, filepath.Join(dir, "open"), "1234", 0o644))
	empty := escaped(write(t, filepath.Join(dir, "empty"), "\n", 0o600))
	for _, test := range []struct{ uri, given, want, warning, err string }{
		{uri: "pkcs11:"},
		{uri: "pkcs11:", given: "1234", want: "1234"},
		{uri: "pkcs11:?pin-value=12%2034", want: "12 34"},
		{uri: "pkcs11:?pin-value=", err: "pin-value is empty"},
		{uri: "pkcs11:?pin-value=1234", given: "1234", err: "both"},
		{uri: "pkcs11:?pin-source=" + secret, want: "1234"},
		{uri: "pkcs11:?pin-source=" + secret, given: "1234", err: "both"},
		{uri: "pkcs11:?pin-source=file:" + secret, want: "1234"},
		{uri: "pkcs11:?pin-source=file://" + secret, want: "1234"},
		{uri: "pkcs11:?pin-source=FILE://localhost" + secret, want: "1234"},
		{uri: "pkcs11:?pin-source=" + dos, want: "1234"},
		{uri: "pkcs11:?pin-source=" + bare, want: " 12 34 "},
		{uri: "pkcs11:?pin-source=" + open, want: "1234", warning: "can be read by others"},
		{uri: "pkcs11:?pin-source=" + empty, err: "is empty"},
		{uri: "pkcs11:?pin-source=" + secret + "x", err: "no such file"},
		{uri: "pkcs11:?pin-source=" + escaped(dir), err: "is a directory"},
		{uri: "pkcs11:?pin-source=pin", err: "not an absolute path"},
		{uri: "pkcs11:?pin-source=file:pin", err: "not an absolute path"},
		{uri: "pkcs11:?pin-source=file://elsewhere/pin", err: "another host"},
		{uri: "pkcs11:?pin-source=https://elsewhere/pin", err: "neither a path nor a file: URI"},
		{uri: "pkcs11:?pin-source=|/bin/true", err: "no commands are run"},
		{uri: "pkcs11:?pin-source=", err: "not an absolute path"},
	} {
		if runtime.GOOS == "windows" && (strings.Contains(test.uri, ":file") || test.warning != "" || test.err == "no such file") {
			continue
		}
		pin, warning, err := parse(t, test.uri).PIN(test.given)
		if pin != test.want || (warning == "") != (test.warning == "") || !strings.Contains(warning, test.warning) {
			t.Errorf("%s: got %q, %q, want %q, %q", test.uri, pin, warning, test.want, test.warning)
		}
		if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: got error %v, want %q", test.uri, err, test.err)
		}
	}
}

func TestModule(t *testing.T) {
	dir := t.TempDir()
	soft := write(t, filepath.Join(dir, "soft", "libsofthsm2.so"), "", 0o644)
	write(t, filepath.Join(dir, "soft", "libsofthsm2.so.1"), "", 0o644)
	write(t, filepath.Join(dir, "soft", "libsofthsm2.so.conf"), "", 0o644)
	write(t, filepath.Join(dir, "soft", "libother.la"), "", 0o644)
	versioned := write(t, filepath.Join(dir, "yubico", "libykcs11.so.2.5"), "", 0o644)
	mac := write(t, filepath.Join(dir, "yubico", "opensc-pkcs11.dylib"), "", 0o644)
	write(t, filepath.Join(dir, "yubico", "onepin-opensc-pkcs11.so"), "", 0o644)
	write(t, filepath.Join(dir, "decoy", "libykcs11.so", "file"), "", 0o644)
	at := func(name string) string { return "module-path=" + url.QueryEscape(name) }
	dirs := []string{filepath.Join(dir, "absent"), filepath.Join(dir, "decoy"), filepath.Join(dir, "soft"), filepath.Join(dir, "yubico")}
	for _, test := range []struct{ query, want, err string }{
		{query: at(soft), want: soft},
		{query: at(soft) + "&module-name=softhsm2", want: soft},
		{query: at(soft) + "&module-name=ykcs11", err: `is not "ykcs11"`},
		{query: at(filepath.Dir(soft)) + "&module-name=softhsm2", want: soft},
		{query: at(filepath.Dir(soft)) + "&module-name=ykcs11", err: "find ykcs11: file does not exist in " + filepath.Dir(soft)},
		{query: at(filepath.Dir(soft)), err: "is a directory, and the URI has no module-name"},
		{query: at(soft + "x"), err: "no such file"},
		{query: "module-path=libsofthsm2.so", err: "not an absolute path"},
		{query: "module-name=softhsm2", want: soft},
		{query: "module-name=SoftHSM2", want: soft},
		{query: "module-name=libsofthsm2", want: soft},
		{query: "module-name=libsofthsm2.so", want: soft},
		{query: "module-name=ykcs11", want: versioned},
		{query: "module-name=opensc-pkcs11", want: mac},
		{query: "module-name=onepin", err: "file does not exist in any of " + dirs[0]},
		{query: "module-name=other", err: "file does not exist"},
		{query: "", err: "names no module"},
	} {
		got, err := parse(t, "pkcs11:?"+test.query).Module(dirs)
		if got != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: got %q, %v, want %q, %q", test.query, got, err, test.want, test.err)
		}
		if strings.Contains(test.err, "not exist") && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v is not fs.ErrNotExist", test.query, err)
		}
	}
}

func TestCheckKey(t *testing.T) {
	for uri, want := range map[string]string{
		"pkcs11:object=a":              "",
		"pkcs11:id=%01":                "",
		"pkcs11:id=":                   "",
		"pkcs11:id=%01;type=private":   "",
		"pkcs11:token=a":               "names no key",
		"pkcs11:object=a;type=public":  "an object of type public",
		"pkcs11:object=a;type=cert":    "an object of type cert",
		"pkcs11:type=private;token=ab": "names no key",
	} {
		err := parse(t, uri).CheckKey()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", uri, err, want)
		}
	}
}
